// The mix: one weight per dimension of the encoder. Emits "change" while a slider moves.

import { byId, fillRail, show, stamp, write } from "./dom.js";
import { percent } from "./format.js";

const LEAST = -1;
const MOST = 2;
const HUES = 8;

const placeOf = (value) => (value - LEAST) / (MOST - LEAST);

/** The hue of a dimension, by its place in the encoder. */
export const hueOf = (place) => String(place % HUES);

export class Mix extends EventTarget {
  #sliders = new Map();
  #encoder = null;

  constructor() {
    super();
    byId("mix-reset").addEventListener("click", () => this.#reset());
  }

  /** Make a slider for each space of the encoder; weights of spaces that stay are kept. */
  use(encoder) {
    if (this.#encoder?.id === encoder.id) return;
    const before = this.weights;
    this.#encoder = encoder;
    this.#sliders.clear();
    byId("sliders").replaceChildren(...encoder.spaces.map((space, place) => this.#newSlider(space, place, before)));
  }

  /** Show the sliders: there is something to compare with. */
  reveal() {
    show(byId("mix"), true);
  }

  /** Weight by space, without those that are ignored. */
  get weights() {
    const all = [...this.#sliders].map(([name, { input }]) => [name, Number(input.value)]);
    return Object.fromEntries(all.filter(([, weight]) => weight !== 0));
  }

  /** Names of the spaces, in the encoder's order. */
  get spaces() {
    return [...this.#sliders.keys()];
  }

  /** Show the share of each space in the query, as the service used it. */
  showShares(shares) {
    for (const [name, slider] of this.#sliders) this.#drawShare(slider, Math.abs(shares[name] ?? 0));
  }

  #newSlider(space, place, before) {
    const element = stamp("row-slider");
    const input = element.querySelector("input");
    const slider = { element, input, share: element.querySelector(".share") };
    this.#sliders.set(space.name, slider);
    element.dataset.hue = hueOf(place);
    input.id = `weight-${place}`;
    input.name = space.name;
    input.value = before[space.name] ?? 1;
    element.querySelector("label").htmlFor = input.id;
    write(element.querySelector(".name"), space.name);
    write(element.querySelector(".note"), space.description);
    input.addEventListener("input", () => this.#moved());
    input.addEventListener("dblclick", () => {
      input.value = 1;
      this.#moved();
    });
    this.#draw(slider);
    return element;
  }

  #reset() {
    for (const { input } of this.#sliders.values()) input.value = 1;
    this.#moved();
  }

  #moved() {
    for (const slider of this.#sliders.values()) this.#draw(slider);
    this.dispatchEvent(new Event("change"));
  }

  #draw(slider) {
    const weight = Number(slider.input.value);
    fillRail(slider.input, placeOf(0), placeOf(weight));
    slider.element.classList.toggle("off", weight === 0);
    slider.input.setAttribute("aria-valuetext", `${weight}, ${meaningOf(weight)}`);
    if (weight === 0) this.#drawShare(slider, 0);
  }

  #drawShare(slider, share) {
    const weight = Number(slider.input.value);
    write(slider.share, weight === 0 ? "ignored" : percent(weight < 0 ? -share : share));
  }
}

function meaningOf(weight) {
  if (weight === 0) return "ignored";
  return weight < 0 ? "as different as possible" : "alike";
}
