// A brief to begin another one with.

/** Where the page of a brief leaves a copy in this tab for the page of all briefs. */
export const COPY = "soundkin.brief-copy";

/** What a copy has of a brief. */
export const copyOf = ({ name, note, request, reference }) => ({ name: `${name} (copy)`.slice(0, 200), note, request, reference });
