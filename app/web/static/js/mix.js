// The mix: one weight per dimension of the encoder, and one for each other encoder as a whole. Emits "change" while a
// slider moves.

import { byId, fillRail, show, stamp, write } from "./dom.js";
import { percent } from "./format.js";

const LEAST = -1;
const MOST = 2;
const HUES = 8;

const placeOf = (value) => (value - LEAST) / (MOST - LEAST);

/** The hue of a slider, by its place. */
const hueOf = (place) => String(Math.max(0, place) % HUES);

export class Mix extends EventTarget {
  #sliders = new Map();
  #encoder = null;
  #key = null;

  constructor() {
    super();
    byId("mix-reset").addEventListener("click", () => this.#reset());
  }

  /** Make a slider for each space of the encoder and for each other encoder; weights that stay are kept. */
  use(encoder, others) {
    const dimensions = [
      ...encoder.spaces.map(({ name, description }) => ({ name, description, usual: 1 })),
      ...others.map(({ name }) => ({ name, description: `All that the encoder ${name} hears, mixed in`, usual: 0 })),
    ];
    const key = [encoder.id, ...dimensions.map(({ name }) => name)].join();
    if (this.#key === key) return;
    const before = this.#positions;
    this.#key = key;
    this.#encoder = encoder;
    this.#sliders.clear();
    byId("sliders").replaceChildren(...dimensions.map((each, place) => this.#newSlider(each, place, before)));
  }

  /** Show the sliders: there is something to compare with. */
  reveal() {
    show(byId("mix"), true);
  }

  /** Weight by name of a space or an encoder, without those that are ignored. */
  get weights() {
    return Object.fromEntries(Object.entries(this.#positions).filter(([, weight]) => weight !== 0));
  }

  /** Show the share of each slider in the query, as the service used it. */
  showShares({ encoders, weights }) {
    const shares = new Map([...this.#sliders.keys()].map((name) => [name, 0]));
    for (const [name, share] of Object.entries(weights)) {
      const slider = this.#sliderOf(encoders, name);
      shares.set(slider, (shares.get(slider) ?? 0) + Math.abs(share));
    }
    for (const [name, slider] of this.#sliders) this.#drawShare(slider, shares.get(name));
  }

  /** The hue of each space of a query, by its name there: that of the slider that weighs it. */
  hues({ encoders, weights }) {
    const places = [...this.#sliders.keys()];
    return Object.fromEntries(
      Object.keys(weights).map((name) => [name, hueOf(places.indexOf(this.#sliderOf(encoders, name)))]),
    );
  }

  /** The slider that weighs a space of a query to these encoders. */
  #sliderOf(encoders, name) {
    const [encoder, space] = encoders.length > 1 ? name.split(".") : [encoders[0], name];
    return encoder === this.#encoder.name ? space : encoder;
  }

  /** Where each slider stands, by name. */
  get #positions() {
    return Object.fromEntries([...this.#sliders].map(([name, { input }]) => [name, Number(input.value)]));
  }

  #newSlider(space, place, before) {
    const element = stamp("row-slider");
    const input = element.querySelector("input");
    const slider = { element, input, usual: space.usual, share: element.querySelector(".share") };
    this.#sliders.set(space.name, slider);
    element.dataset.hue = hueOf(place);
    input.id = `weight-${place}`;
    input.name = space.name;
    input.value = before[space.name] ?? space.usual;
    element.querySelector("label").htmlFor = input.id;
    write(element.querySelector(".name"), space.name);
    write(element.querySelector(".note"), space.description);
    input.addEventListener("input", () => this.#moved());
    input.addEventListener("dblclick", () => {
      input.value = space.usual;
      this.#moved();
    });
    this.#draw(slider);
    return element;
  }

  #reset() {
    for (const { input, usual } of this.#sliders.values()) input.value = usual;
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
