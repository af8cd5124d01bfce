// What a brief asks for, in words.

import { clock, percent, plural } from "../format.js";
import { weightsInWords } from "../weights.js";

const LABELS = {
  licences: "Licence",
  duration_s: "Length",
  tempo_bpm: "Tempo",
  key: "Key",
  other_artist: "Artist",
  other_album: "Album",
  tags_required: "Tags",
  tags_excluded: "Not tagged",
  max_similarity: "Ceiling",
};

/** What a constraint is called. */
export const labelOf = (name) => LABELS[name] ?? name.replaceAll("_", " ");

/** What the service says, with constraints called as they are called here. */
export const plainly = (text) => text.replace(/\b[a-z]+(_[a-z]+)+\b|\blicences\b/g, (name) => (name in LABELS ? labelOf(name).toLowerCase() : name));

/** Everything that a request asks for beside its reference, one short phrase each. */
export function asked(request) {
  return [...ofReference(request), ...ofConstraints(request.constraints ?? {}), ...ofLimits(request)];
}

function ofReference({ encoder, reference, terms }) {
  const { segment, weights } = reference;
  const tags = (terms ?? []).filter(({ tag }) => tag).map(({ tag, weight }) => (weight < 0 ? `less ${tag}` : `more ${tag}`));
  const others = (terms ?? []).length - tags.length;
  return [
    segment && `the part ${clock(segment.start_s)}–${clock(segment.end_s)}`,
    weights ? weightsInWords(weights) : "everything alike",
    encoder && `as ${encoder} hears it`,
    ...tags,
    others && `${plural(others, "further reference")}`,
  ].filter(Boolean);
}

/** What the terms of its search are called: the reference, tags, and further references by their number. */
export function termsInWords(terms) {
  const references = terms.filter(({ tag }) => !tag);
  return terms.map((term) => {
    if (term.tag) return `Tag ${term.tag}`;
    const place = references.indexOf(term);
    return place === 0 ? "The reference" : `Further reference ${references.length > 2 ? place : ""}`.trim();
  });
}

function ofConstraints(constraints) {
  const { licences, duration_s, tempo_bpm, key, other_artist, other_album, tags_required, tags_excluded } = constraints;
  return [
    licences?.length && `licence ${licences.join(" or ")}`,
    duration_s && `length ${rangeInWords(duration_s, (value) => clock(value), (value) => `${value} s`)}`,
    tempo_bpm && tempoInWords(tempo_bpm),
    key && (key === "same" ? "in the same key" : "in a key that goes with it"),
    other_artist && "by another artist",
    other_album && "from another album",
    tags_required?.length && `tagged ${tags_required.join(" and ")}`,
    tags_excluded?.length && `without ${tags_excluded.join(" or ")}`,
  ].filter(Boolean);
}

function tempoInWords(tempo) {
  const range = rangeInWords(tempo, (value) => `${value} bpm`, (value) => `${value} bpm`);
  return `tempo ${range}${tempo.octaves === false ? "" : ", or half or double"}`;
}

function rangeInWords({ within, within_percent: share, gte, lte }, inWords, around) {
  if (share !== undefined && share !== null) return `±${share} %`;
  if (within !== undefined && within !== null) return `±${around(within)}`;
  const [least, most] = [gte ?? null, lte ?? null];
  if (least === null) return `up to ${inWords(most)}`;
  return most === null ? `from ${inWords(least)}` : `${inWords(least)} to ${inWords(most)}`;
}

function ofLimits({ max_similarity: ceiling, diversity, max_per_artist: perArtist }) {
  return [
    ceiling !== undefined && ceiling !== null && ceiling < 1 && `no closer than ${ceiling}`,
    diversity > 0 && `varied by ${percent(diversity)}`,
    perArtist && `at most ${perArtist} of one artist`,
  ].filter(Boolean);
}
