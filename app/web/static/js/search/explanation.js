// Why a track was found: how each dimension compares, what adds up to its similarity, and which parts are closest.

import { stamp, show, write } from "../dom.js";
import { percent, signed, similarity } from "../format.js";
import { radar } from "../radar.js";
import { Parts } from "./parts.js";

const FEWEST_AXES = 3;

export class Explanation {
  #query;
  #parts;
  #axes;

  /** @param context {api, player, query, search} */
  constructor(context) {
    this.element = stamp("panel-why");
    this.#query = context.query;
    this.#parts = new Parts(this.element.querySelector(".parts"), context);
  }

  /** Explain a match of an answer's query. */
  show(match, used) {
    const spaces = spacesOf(match, used).map((space) => ({ ...space, hue: this.#query.hueOf(used.encoders, space.name) }));
    this.#drawRadar(spaces);
    this.#drawSum(match, spaces);
    this.#drawTags(match.by_tag, used.encoders);
    this.#drawComponents(match.by_component);
    this.#parts.show(match);
  }

  #find(selector) {
    return this.element.querySelector(selector);
  }

  #drawRadar(spaces) {
    const most = Math.max(...spaces.map(({ weight }) => Math.abs(weight)));
    const axes = spaces.map(({ label, weight, similarity: alike, hue }) => ({
      label: weight < 0 ? `not ${label}` : label,
      note: weight === 0 ? "ignored" : similarity(alike),
      hue,
      values: [weight / most, alike],
    }));
    const words = axes.map(({ label, note }) => `${label} ${note}`).join(", ");
    show(this.#find(".radar-figure"), axes.length >= FEWEST_AXES);
    this.#find(".plot").replaceChildren(radar(axes, ["asked", "found"], `Similarity in each dimension: ${words}`));
  }

  #drawSum(match, spaces) {
    write(this.#find(".total"), similarity(match.similarity));
    const weighed = spaces.filter(({ weight }) => weight !== 0);
    this.#find(".sum tbody").replaceChildren(...weighed.map(rowOf));
    write(this.#find(".sum tfoot .number"), similarity(match.similarity));
  }

  #drawTags(tags, encoders) {
    show(this.#find(".tag-shares"), tags.length > 0);
    this.#find(".tag-shares ul").replaceChildren(
      ...tags.map(({ tag, space, similarity: alike, contribution }) => {
        const item = stamp("row-tag-share");
        item.dataset.hue = this.#query.hueOf(encoders, space);
        write(item.querySelector("bdi"), tag);
        write(item.querySelector(".note"), `${similarity(alike)} alike, adds ${signed(contribution)} through ${space.split(".").pop()}`);
        return item;
      }),
    );
  }

  #drawComponents(components) {
    show(this.#find(".components"), components.length > 0);
    this.#find(".components ul").replaceChildren(
      ...components.map(({ component, tags, contribution }) => {
        const item = stamp("row-tag-share");
        write(item.querySelector("bdi"), tags.slice(0, 3).join(", ") || `no. ${component}, which no tag says`);
        write(item.querySelector(".note"), signed(contribution));
        return item;
      }),
    );
  }
}

/** The spaces with a place in the plot: all of one encoder; of several, those that count. */
function spacesOf(match, { encoders }) {
  const all = Object.entries(match.by_space).map(([name, share]) => ({ name, label: name.split(".").pop(), ...share }));
  return encoders.length > 1 ? all.filter(({ weight }) => weight !== 0) : all;
}

function rowOf({ label, weight, similarity: alike, contribution, hue }) {
  const row = stamp("row-sum");
  row.dataset.hue = hue;
  const [name, similar, share, adds] = row.children;
  write(name.querySelector(".name"), weight < 0 ? `not ${label}` : label);
  write(similar, similarity(alike));
  write(share, percent(Math.abs(weight)));
  write(adds, signed(contribution));
  return row;
}
