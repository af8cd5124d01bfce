// One weight: a slider from contrast to twice as much, its name and its share of the query.

import { fillRail, stamp, write } from "../dom.js";
import { percent } from "../format.js";
import { LEAST, MOST } from "./query.js";

const placeOf = (value) => (value - LEAST) / (MOST - LEAST);

export class Slider {
  #input;
  #share;
  #usual;
  #onMove;

  /**
   * @param form template to stamp
   * @param what {id, name, label, title, hue, usual}
   * @param onMove hears the weight while it moves
   */
  constructor(form, { id, name, label, title, hue, usual }, onMove) {
    this.element = stamp(form);
    this.#input = this.element.querySelector("input");
    this.#share = this.element.querySelector(".share");
    this.#usual = usual;
    this.#onMove = onMove;
    this.element.dataset.hue = hue;
    this.element.title = title ?? "";
    Object.assign(this.#input, { id, name });
    this.element.querySelector("label").htmlFor = id;
    write(this.element.querySelector(".name"), label);
    this.#input.addEventListener("input", () => this.#moved());
    this.#input.addEventListener("dblclick", () => {
      this.weight = this.#usual;
      this.#moved();
    });
  }

  get weight() {
    return Number(this.#input.value);
  }

  set weight(weight) {
    if (this.weight !== weight) this.#input.value = weight;
    this.#draw();
  }

  /** Show its share of the query, signed. */
  showShare(share) {
    write(this.#share, this.weight === 0 ? "ignored" : percent(share));
  }

  #moved() {
    this.#draw();
    this.#onMove(this.weight);
  }

  #draw() {
    const { weight } = this;
    fillRail(this.#input, placeOf(0), placeOf(weight));
    this.element.classList.toggle("off", weight === 0);
    this.element.classList.toggle("contrast", weight < 0);
    this.#input.setAttribute("aria-valuetext", `${weight}, ${meaningOf(weight)}`);
    if (weight === 0) this.showShare(0);
  }
}

function meaningOf(weight) {
  if (weight === 0) return "ignored";
  return weight < 0 ? "as different as possible" : "alike";
}
