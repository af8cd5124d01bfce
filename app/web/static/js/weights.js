// Sliders in a form: one weight for each dimension of the encoder that is chosen. Emits "change" whenever a weight or
// the encoder does.

import { fillRail, show, stamp, write } from "./dom.js";
import { percent } from "./format.js";

const HUES = 8;

const placeOf = (input, value) => (value - input.min) / (input.max - input.min);

export class Weights extends EventTarget {
  #box;
  #choice;
  #encoders = [];
  #sliders = new Map();
  #kept = {};

  /** @param box takes the sliders; `choice` is the select of encoders */
  constructor(box, choice) {
    super();
    this.#box = box;
    this.#choice = choice;
    this.#choice.addEventListener("change", () => this.#build(null));
  }

  /** @param encoders those that can be searched with */
  offer(encoders) {
    this.#encoders = encoders;
    this.#choice.replaceChildren(...encoders.map(({ name }) => new Option(name, name)));
    show(this.#choice.closest(".field"), encoders.length > 1);
  }

  /** Show the weights of a request; without any, every dimension counts the same. */
  set(encoder, weights) {
    const usual = this.#encoders.find((each) => each.is_default) ?? this.#encoders[0];
    const known = this.#encoders.some(({ name }) => name === encoder);
    if (encoder && !known) this.#choice.add(new Option(`${encoder} (not here)`, encoder));
    this.#choice.value = encoder ?? usual?.name ?? "";
    this.#build(weights ?? null);
  }

  /** Weigh by these weights alone; what they do not name is ignored. */
  weighBy(weights) {
    this.#build(weights);
  }

  get encoder() {
    return this.#choice.value || null;
  }

  /** Weight by space, without those that are ignored; null where all count the same. */
  get weights() {
    return this.#all.every(([, weight]) => weight === 1) ? null : this.counting;
  }

  /** Weight by space, without those that are ignored. */
  get counting() {
    return Object.fromEntries(this.#all.filter(([, weight]) => weight !== 0));
  }

  get #all() {
    return [...[...this.#sliders].map(([name, { weight }]) => [name, weight]), ...Object.entries(this.#kept)];
  }

  #build(weights) {
    const spaces = this.#encoders.find(({ name }) => name === this.#choice.value)?.spaces ?? [];
    const names = new Set(spaces.map(({ name }) => name));
    // Weights of other encoders have no slider here, and stay as they are.
    this.#kept = Object.fromEntries(Object.entries(weights ?? {}).filter(([name]) => !names.has(name)));
    this.#sliders.clear();
    this.#box.replaceChildren(...spaces.map((space, place) => this.#slider(space, place, weights ? (weights[space.name] ?? 0) : 1)));
    this.#draw();
  }

  #slider({ name, description }, place, weight) {
    const element = stamp("row-weight");
    const input = element.querySelector("input");
    element.dataset.hue = String(place % HUES);
    element.title = description;
    input.id = `${this.#box.id}-${place}`;
    input.name = `weight ${name}`;
    input.value = weight;
    element.querySelector("label").htmlFor = input.id;
    write(element.querySelector(".name"), name);
    // A slider has steps: what was asked with stays exact until it is moved.
    const slider = { element, input, weight };
    input.addEventListener("input", () => {
      slider.weight = Number(input.value);
      this.#draw();
    });
    this.#sliders.set(name, slider);
    return element;
  }

  #draw() {
    const values = [...this.#sliders.values()].map(({ weight }) => Math.abs(weight));
    const sum = values.reduce((whole, value) => whole + value, 0);
    for (const { element, input, weight } of this.#sliders.values()) {
      fillRail(input, placeOf(input, 0), placeOf(input, weight));
      element.classList.toggle("off", weight === 0);
      input.setAttribute("aria-valuetext", weight === 0 ? "ignored" : `${weight}, ${weight < 0 ? "as different as possible" : "alike"}`);
      write(element.querySelector(".share"), weight === 0 ? "ignored" : percent(weight / sum));
    }
    this.dispatchEvent(new Event("change"));
  }
}

/** "genre 67 %, mood 33 %". */
export function weightsInWords(weights) {
  const counting = Object.entries(weights).filter(([, weight]) => weight !== 0);
  const sum = counting.reduce((whole, [, weight]) => whole + Math.abs(weight), 0);
  return counting.map(([space, weight]) => `${space} ${percent(weight / sum)}`).join(", ") || "every dimension ignored";
}
