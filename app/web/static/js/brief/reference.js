// The reference of a brief.

/** The reference as the player and the form take it: they tell clips by when they expire. */
export const playable = ({ request, reference }) => (request.reference?.clip ? { expires_at: null, ...reference } : reference);
