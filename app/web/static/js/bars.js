// The bars of a match: one for each dimension, as long as what it adds to the similarity.

import { show, stamp, write } from "./dom.js";
import { percent, signed, similarity } from "./format.js";

/** Which spaces have a bar, in order: all of one encoder; of several, those that count. */
export function barsOf({ encoders, weights }) {
  const names = Object.keys(weights);
  return encoders.length > 1 ? names.filter((name) => weights[name] !== 0) : names;
}

/** What a bar is called: the space, with its encoder only where another bar would be called the same. */
function labelOf(name, names) {
  const space = name.split(".").pop();
  return names.filter((each) => each.split(".").pop() === space).length > 1 ? name : space;
}

/** The range that all bars share, so that lengths compare across rows: to the left only as far as somebody goes. */
export function scaleOf(matches) {
  const shares = matches.flatMap((match) => Object.values(match.by_space));
  const most = Math.max(0.01, ...shares.map((share) => Math.abs(share.weight)));
  return { most, least: Math.min(0, ...shares.map((share) => share.contribution)) };
}

/** Make and fill a bar for each of the spaces. `hueOf` tells the hue of one by its name. */
export function fillBars(bars, bySpace, spaces, scale, hueOf) {
  while (bars.children.length < spaces.length) bars.append(stamp("row-bar"));
  while (bars.children.length > spaces.length) bars.lastElementChild.remove();
  spaces.forEach((name, place) => {
    const bar = bars.children[place];
    bar.dataset.hue = hueOf(name);
    write(bar.querySelector(".name"), labelOf(name, spaces));
    fillBar(bar, name, bySpace[name], scale);
  });
}

function fillBar(bar, name, share, scale) {
  const { weight, contribution, similarity: alike } = share ?? { weight: 0, contribution: 0, similarity: 0 };
  bar.classList.toggle("off", weight === 0);
  write(bar.querySelector(".amount"), weight === 0 ? "–" : signed(contribution));
  stretch(bar.querySelector(".possible"), Math.abs(weight), scale);
  stretch(bar.querySelector(".actual"), contribution, scale);
  show(bar.querySelector(".zero"), scale.least < 0);
  bar.querySelector(".zero").style.left = `${placeOn(scale, 0)}%`;
  write(bar.querySelector(".unseen"), barInWords(name, weight, contribution, alike));
  bar.title = barInWords(name, weight, contribution, alike);
}

const placeOn = (scale, value) => (100 * (value - scale.least)) / (scale.most - scale.least);

function stretch(element, value, scale) {
  const [zero, end] = [placeOn(scale, 0), placeOn(scale, value)];
  element.style.left = `${Math.min(zero, end)}%`;
  element.style.width = `${Math.abs(end - zero)}%`;
}

function barInWords(name, weight, contribution, alike) {
  if (weight === 0) return `${name}: ignored`;
  const verb = contribution < 0 ? "takes away" : "adds";
  const amount = similarity(Math.abs(contribution));
  return `${name}: similarity ${similarity(alike)}, weight ${percent(Math.abs(weight))}, ${verb} ${amount}`;
}
