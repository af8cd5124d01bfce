// Keys of music on the circle of fifths.

const TONICS = ["C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B"];
const FIFTH = 7;
const RELATIVE = { major: -3, minor: 3 };
const OTHER = { major: "minor", minor: "major" };

/** "A minor" → the keys that go with it: itself, its relative, and a fifth up and down in the same mode. */
export function compatibleKeys(key) {
  const [tonic, mode] = key.split(" ");
  const place = TONICS.indexOf(tonic);
  if (place < 0 || !(mode in RELATIVE)) return [key];
  const at = (step) => TONICS[(place + step + 12) % 12];
  return [key, `${at(RELATIVE[mode])} ${OTHER[mode]}`, `${at(FIFTH)} ${mode}`, `${at(-FIFTH)} ${mode}`];
}
