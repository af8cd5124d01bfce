// The ways to colour the points: into which group each point falls, and how a group is drawn and called.
// A group is {label, colour, shape, count}; shapes are "disc", "square", "triangle" and "ring".

import { plural } from "../format.js";
import { fifthColour, groupColour, resolved, tempoColour } from "./colours.js";

const SHAPES = ["disc", "square", "triangle", "ring"];
const TEMPO_STEPS = 12;
const FIFTHS = ["C", "G", "D", "A", "E", "B", "F#", "C#", "G#", "D#", "A#", "F"];
const FLATS = { Db: "C#", Eb: "D#", Gb: "F#", Ab: "G#", Bb: "A#" };
const TO_RELATIVE_MAJOR = 3; // steps along the circle of fifths that a minor key stands ahead of its relative major

/** A group that has no value of its own, drawn faintly. */
const unknown = (label) => ({ label, colour: resolved("var(--unknown)"), shape: "disc", count: 0, isFaint: true });

function grouped(groups, of, size) {
  const groupOf = new Uint8Array(size);
  for (let index = 0; index < size; index += 1) {
    groupOf[index] = of(index);
    groups[groupOf[index]].count += 1;
  }
  return { groups, groupOf, scale: null };
}

export function byCluster(atlas, clusters) {
  const places = new Map(clusters.map(({ number }, place) => [number, place]));
  const groups = clusters.map(({ name }, place) => ({ label: name, colour: groupColour(place), shape: SHAPES[Math.floor(place / 8) % 4], count: 0 }));
  groups.push(unknown("in no cluster"));
  return grouped(groups, (index) => places.get(atlas.cluster[index]) ?? clusters.length, atlas.size);
}

export function byTag(atlas, tag) {
  const groups = [{ label: tag, colour: resolved("var(--accent)"), shape: "disc", count: 0 }, unknown("others")];
  return grouped(groups, (index) => (atlas.tags[index]?.includes(tag) ? 0 : 1), atlas.size);
}

export function byTempo(atlas) {
  const known = atlas.tempos.filter((tempo) => tempo !== null).sort((a, b) => a - b);
  const at = (share) => known[Math.round(share * (known.length - 1))] ?? 0;
  const [slow, fast] = [at(0.02), Math.max(at(0.98), at(0.02) + 1)];
  const groups = Array.from({ length: TEMPO_STEPS }, (_, step) => ({ label: "", colour: tempoColour(step / (TEMPO_STEPS - 1)), shape: "disc", count: 0 }));
  groups.push(unknown("unknown"));
  const of = (index) => {
    const tempo = atlas.tempos[index];
    if (tempo === null) return TEMPO_STEPS;
    return Math.min(TEMPO_STEPS - 1, Math.max(0, Math.floor((TEMPO_STEPS * (tempo - slow)) / (fast - slow))));
  };
  return { ...grouped(groups, of, atlas.size), scale: { slow, fast } };
}

export function byKey(atlas) {
  const label = (place) => `${FIFTHS[place]} major`;
  const minor = (place) => `${FIFTHS[(place + TO_RELATIVE_MAJOR) % 12]} minor`;
  const majors = FIFTHS.map((_, place) => ({ label: label(place), colour: fifthColour(place), shape: "disc", count: 0 }));
  const minors = FIFTHS.map((_, place) => ({ label: minor(place), colour: fifthColour(place), shape: "ring", count: 0 }));
  const groups = [...majors, ...minors, unknown("unknown")];
  return grouped(groups, (index) => placeOfKey(atlas.keys[index]), atlas.size);
}

/** Place among the groups of `byKey`: majors along the circle of fifths, then their relative minors. */
function placeOfKey(key) {
  const [root, mode] = (key ?? "").split(" ");
  const place = FIFTHS.indexOf(FLATS[root] ?? root);
  if (place < 0) return 24;
  return mode === "minor" ? 12 + ((place - TO_RELATIVE_MAJOR + 12) % 12) : place;
}

/** Every tag with how many tracks have it, the most frequent first. */
export function tagCounts(atlas) {
  const counts = new Map();
  for (const tags of atlas.tags) for (const tag of tags ?? []) counts.set(tag, (counts.get(tag) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1]).map(([tag, count]) => ({ tag, label: `${tag} (${plural(count, "track")})` }));
}
