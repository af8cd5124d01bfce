// The search as it stands in the address, so that it can be shared and going back works. In order:
//   track=ID or clip=ID, then what belongs to it: from=30, to=45, weights=genre:1,mood:-0.5
//   tracks=ID,ID          several references at once
//   tag=csn/mood/calm:0.5 a tag of an encoder's space, with its weight
//   encoder=NAME, and the fields of the filters by their names

const REFERENCE = /^(track|clip|tracks)$/;
const ID = /^[\w-]+$/;
const OF_REFERENCE = new Set(["from", "to", "weights"]);

/** Read "#…". @returns {references, tags, encoder, fields}, or null where it names nothing to search by */
export function readAddress(hash) {
  const state = { references: [], tags: [], encoder: null, fields: {} };
  for (const [name, value] of pairsOf(hash)) {
    if (REFERENCE.test(name)) state.references.push(...referencesOf(name, value));
    else if (OF_REFERENCE.has(name)) qualify(state.references.at(-1), name, value);
    else if (name === "tag") state.tags.push(...tagOf(value));
    else if (name === "encoder") state.encoder = decoded(value);
    else state.fields[name] = decoded(value);
  }
  return state.references.length || state.tags.length ? state : null;
}

/** Write it: "#…", or "" for a search that is empty. */
export function writeAddress({ references, tags, encoder, fields }) {
  const parts = [...references.flatMap(written), ...tags.map(tagWritten)];
  if (!parts.length) return "";
  if (encoder) parts.push(`encoder=${encodeURIComponent(encoder)}`);
  for (const [name, value] of Object.entries(fields)) parts.push(`${name}=${encodeURIComponent(value)}`);
  return `#${parts.join("&")}`;
}

function pairsOf(hash) {
  return hash
    .replace(/^#/, "")
    .split("&")
    .map((pair) => pair.split("=", 2))
    .filter(([name, value]) => name && value);
}

function referencesOf(name, value) {
  const kind = name === "clip" ? "clip" : "track";
  const ids = name === "tracks" ? value.split(",") : [value];
  return ids.filter((id) => ID.test(id)).map((id) => ({ kind, id, part: null, weights: {} }));
}

function qualify(reference, name, value) {
  if (!reference) return;
  if (name === "weights") Object.assign(reference.weights, weightsOf(value));
  else if (Number.isFinite(Number(value))) reference[name] = Number(value);
  if (reference.to > (reference.from ?? 0)) reference.part = { start_s: reference.from ?? 0, end_s: reference.to };
}

function weightsOf(value) {
  const pairs = value.split(",").map((pair) => pair.split(":"));
  return Object.fromEntries(pairs.map(([name, weight]) => [decoded(name), Number(weight)]).filter(([, weight]) => Number.isFinite(weight)));
}

function tagOf(value) {
  const [path, weight = "1"] = value.split(":");
  const [encoder, space, tag] = path.split("/").map(decoded);
  return tag && Number.isFinite(Number(weight)) ? [{ encoder, space, tag, weight: Number(weight) }] : [];
}

function written({ kind, id, part, weights }) {
  const parts = [`${kind}=${id}`];
  if (part) parts.push(`from=${short(part.start_s)}`, `to=${short(part.end_s)}`);
  const moved = Object.entries(weights).map(([name, weight]) => `${encodeURIComponent(name)}:${short(weight)}`);
  if (moved.length) parts.push(`weights=${moved.join(",")}`);
  return parts;
}

const tagWritten = ({ encoder, space, tag, weight }) =>
  `tag=${[encoder, space, tag].map(encodeURIComponent).join("/")}:${short(weight)}`;

const short = (number) => String(Math.round(100 * number) / 100);

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
