// What is being searched, in one sentence: "Like A in mood and, less, in tempo · instruments of B · not the genre of A".

import { clock, titleOf } from "../format.js";

const LESS = 0.6;
const LONGEST_TITLE = 80;
const SPOKEN = { instrument: "instruments" };

/** Say it. @returns parts: text as a string, and a title as {title} */
export function sentenceOf(query) {
  const strongest = Math.max(0, ...weightsIn(query));
  const whole = query.voices.filter((voice) => isWhole(query, voice));
  const clauses = [
    ...(whole.length ? [["like ", ...enumerated(whole.map(nameOf))]] : []),
    ...query.voices.filter((voice) => !whole.includes(voice)).flatMap((voice, place) => clausesOf(query, voice, place + whole.length)),
    ...query.tags.filter(({ weight }) => weight !== 0).map((tag) => [tagInWords(tag, strongest)]),
  ];
  return clauses.flatMap((clause, place) => (place ? [" · ", ...clause] : capital(clause)));
}

/** Whether it says more than the name of one reference does. */
export function isTelling(query) {
  const [voice, ...others] = query.voices;
  if (others.length || query.tags.length || !voice || voice.part) return true;
  return query.dimensions.some((dimension) => query.weightOf(voice, dimension) !== dimension.usual);
}

const weightsIn = (query) => [
  ...query.voices.flatMap((voice) => query.dimensions.map((dimension) => Math.abs(query.weightOf(voice, dimension)))),
  ...query.tags.map(({ weight }) => Math.abs(weight)),
];

function clausesOf(query, voice, place) {
  const weighed = query.dimensions.map((each) => ({ ...each, weight: query.weightOf(voice, each) }));
  const like = weighed.filter(({ weight }) => weight > 0);
  const unlike = weighed.filter(({ weight }) => weight < 0);
  const title = nameOf(voice);
  const clauses = [];
  if (like.length) clauses.push(likeness(like, weighed, title, place, Math.max(...like.map(({ weight }) => weight))));
  if (unlike.length) clauses.push(like.length ? [`not its ${listed(unlike)}`] : [`not the ${listed(unlike)} of `, ...title]);
  return clauses;
}

function likeness(like, all, title, place, strongest) {
  const strong = like.filter(({ weight }) => weight >= LESS * strongest);
  const weak = like.filter(({ weight }) => weight < LESS * strongest);
  const whole = all.filter(({ usual }) => usual).every(({ weight }) => weight >= LESS * strongest) && !weak.length;
  const more = strong.filter(({ usual }) => !usual).map(({ name }) => name);
  if (whole) return ["like ", ...title, more.length ? `, also as ${more.join(" and ")} hears it` : ""];
  if (place) return [`${listed(strong)} of `, ...title, weak.length ? ` and, less, its ${listed(weak)}` : ""];
  return ["like ", ...title, ` in ${listed(strong)}`, weak.length ? ` and, less, in ${listed(weak)}` : ""];
}

function listed(dimensions) {
  const names = dimensions.map(({ name }) => SPOKEN[name] ?? name);
  return names.length > 1 ? `${names.slice(0, -1).join(", ")} and ${names.at(-1)}` : names[0];
}

/** Whether a reference counts with every dimension alike. */
function isWhole(query, voice) {
  const weights = query.dimensions.map((dimension) => [query.weightOf(voice, dimension), dimension.usual]);
  return weights.every(([weight, usual]) => (usual ? weight > 0 && weight === weights[0][0] : weight === 0));
}

const nameOf = ({ track, part }) => [{ title: titleOf(track).slice(0, LONGEST_TITLE) }, ...(part ? [` from ${clock(part.start_s)} to ${clock(part.end_s)}`] : [])];

/** [a], [b], [c] → a, b and c */
function enumerated(items) {
  return items.flatMap((item, place) => (place ? [place === items.length - 1 ? " and " : ", ", ...item] : item));
}

function tagInWords({ tag, weight }, strongest) {
  const little = Math.abs(weight) < LESS * strongest ? "a little " : "";
  return `${little}${weight < 0 ? "less" : "more"} ${tag}`;
}

function capital([first, ...rest]) {
  return typeof first === "string" ? [first[0].toUpperCase() + first.slice(1), ...rest] : [first, ...rest];
}
