// What stands out in each space of each encoder: its tags, or the components that it is made of, or, where nothing has
// a name, the numbers as a picture.

import { byId, show, stamp, write } from "../dom.js";
import { percent, plural } from "../format.js";

const SHOWN = 4;
const FAINT = 0.1;
const TAGS_IN_NAME = 2;
const HEIGHT = 32;

/** Draw encoders as {encoder, heard, vectors, components} each. */
export function drawSpaces(pictures) {
  byId("encoder-list").replaceChildren(...pictures.map(encoderOf));
  show(byId("spaces"), pictures.length > 0);
}

function encoderOf(picture) {
  const element = stamp("row-encoder");
  write(element.querySelector("h3"), picture.encoder.name);
  element.querySelector(".space-grid").replaceChildren(
    ...picture.encoder.spaces.map((space, place) => spaceOf(space, place, picture)),
  );
  return element;
}

function spaceOf(space, place, { encoder, heard, vectors, components }) {
  const element = stamp("row-space");
  const leanings = leaningsOf(space.name, { encoder, heard, vectors, components });
  const vector = vectors[space.name] ?? [];
  const isSilent = vector.every((value) => value === 0);
  element.dataset.hue = String(place % 8);
  element.title = space.description;
  write(element.querySelector("h4"), space.name);
  element.querySelector(".leanings").replaceChildren(...(leanings ?? []).map(leaningOf));
  if (leanings === null && !isSilent) drawFingerprint(element.querySelector(".fingerprint"), vector);
  write(element.querySelector(".hint"), isSilent ? "Does not apply to this track." : hintOf(leanings, vector));
  return element;
}

function hintOf(leanings, vector) {
  if (leanings === null) return plural(vector.length, "number");
  return leanings.length ? "" : "Nothing stands out.";
}

/** Names with shares, the greatest first; `null` where the space has no names. */
function leaningsOf(space, { encoder, heard, vectors, components }) {
  if (encoder.tags[space]) {
    const tags = heard.spaces[space] ?? [];
    return tags.filter(({ confidence }) => confidence >= FAINT).slice(0, SHOWN).map(({ tag, confidence }) => [tag, confidence]);
  }
  if (!encoder.components[space]) return null;
  const names = new Map(components.filter((each) => each.space === space).map(({ component, tags }) => [component, tags]));
  return (vectors[space] ?? [])
    .map((value, component) => [nameOf(names.get(component), component), value ** 2])
    .toSorted((one, other) => other[1] - one[1])
    .slice(0, SHOWN)
    .filter(([, share]) => share >= FAINT / 2);
}

const nameOf = (tags, component) => tags?.slice(0, TAGS_IN_NAME).map(({ tag }) => tag).join(", ") || `no. ${component}`;

function leaningOf([name, share]) {
  const element = stamp("row-leaning");
  write(element.querySelector(".name"), name);
  element.querySelector(".name").title = name;
  write(element.querySelector(".amount"), percent(share));
  element.querySelector(".meter span").style.width = `${100 * Math.min(1, share)}%`;
  return element;
}

function drawFingerprint(svg, vector) {
  const most = Math.max(...vector.map(Math.abs), 1e-9);
  const bars = vector.map((value, place) => `M${2 * place + 1} ${HEIGHT / 2}v${((-value / most) * (HEIGHT / 2 - 1)).toFixed(1)}`);
  svg.setAttribute("viewBox", `0 0 ${2 * vector.length} ${HEIGHT}`);
  svg.firstElementChild.setAttribute("d", bars.join(""));
  svg.removeAttribute("hidden");
}
