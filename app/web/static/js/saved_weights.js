// A choice of the weightings that were saved under a name, for the encoder in use.

import { show, write } from "./dom.js";

const NONE = "";
const LONGEST = 60;

export class SavedWeights {
  #field;
  #choice;
  #items = [];
  #own = [];

  /**
   * @param field the label around the select, hidden where there is nothing to choose
   * @param choose hears the weights that are chosen
   */
  constructor(field, choose) {
    this.#field = field;
    this.#choice = field.querySelector("select");
    this.#choice.addEventListener("change", () => {
      const chosen = this.#own.find(({ id }) => id === this.#choice.value);
      if (chosen) choose(chosen.weights);
    });
  }

  /** Load those that there are. */
  async load(api) {
    const { items } = await api.get("/v1/weightings").catch(() => ({ items: [] }));
    this.#items = items;
  }

  /** Offer those of an encoder, by its name, and show which of them these weights are. */
  offer(encoder, weights) {
    this.#own = this.#items.filter((each) => each.encoder === encoder);
    this.#choice.replaceChildren(optionOf(NONE, "Choose…"), ...this.#own.map(({ id, name }) => optionOf(id, name)));
    show(this.#field, this.#own.length > 0);
    this.mark(weights);
  }

  /** Show which of them these weights are. */
  mark(weights) {
    const stands = inOneForm(weights);
    this.#choice.value = this.#own.find((each) => inOneForm(each.weights) === stands)?.id ?? NONE;
  }
}

function optionOf(value, name) {
  const option = document.createElement("option");
  option.value = value;
  write(option, name.slice(0, LONGEST));
  return option;
}

/** Weights in one form, as exact as an address keeps them. */
function inOneForm(weights) {
  const rounded = Object.entries(weights).map(([name, weight]) => [name, Math.round(100 * weight)]);
  return JSON.stringify(rounded.filter(([, weight]) => weight !== 0).sort(([a], [b]) => (a < b ? -1 : 1)));
}
