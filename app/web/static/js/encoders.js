// The encoders that can be searched with. Emits "choose" with the one in use, also when a worker brings the first, and
// "none" while there is none to offer, with how many others there are.

import { byId, show, write } from "./dom.js";

const LOOK_AGAIN_MS = 2000;

export class Encoders extends EventTarget {
  #api;
  #choice = byId("encoder-choice");
  #ready = [];
  #asked = null;
  #wanted;

  /** @param wanted which of them to offer */
  constructor(api, wanted = () => true) {
    super();
    this.#api = api;
    this.#wanted = wanted;
    this.#choice.addEventListener("change", () => this.#choose());
  }

  /** Load the list, and go on looking until there is one to search with. */
  async load() {
    const { items } = await this.#api.get("/v1/encoders").catch(() => ({ items: [] }));
    const ready = items.filter((encoder) => encoder.state === "ready");
    const offered = ready.filter(this.#wanted);
    if (offered.length) this.#offer(offered);
    else {
      this.dispatchEvent(new CustomEvent("none", { detail: ready.length }));
      setTimeout(() => this.load(), LOOK_AGAIN_MS);
    }
  }

  /** Use this one, the default one without a name; one that is not there yet once it is. */
  use(name) {
    this.#asked = name;
    const chosen = this.#ready.find((encoder) => (name ? encoder.name === name : encoder.is_default));
    if (!chosen || chosen.name === this.#choice.value) return;
    this.#choice.value = chosen.name;
    this.#choose();
  }

  /** Whether there is one to search with. */
  get isReady() {
    return this.#ready.length > 0;
  }

  /** All that can be searched with. */
  get ready() {
    return this.#ready;
  }

  #offer(ready) {
    const wanted = this.#choice.value || this.#asked || ready.find((encoder) => encoder.is_default)?.name || ready[0].name;
    this.#ready = ready;
    this.#choice.replaceChildren(...ready.map(optionOf));
    this.#choice.value = ready.some((encoder) => encoder.name === wanted) ? wanted : ready[0].name;
    show(byId("encoder"), ready.length > 1);
    this.#choose();
  }

  #choose() {
    const chosen = this.#ready.find((encoder) => encoder.name === this.#choice.value);
    this.dispatchEvent(new CustomEvent("choose", { detail: chosen }));
  }
}

function optionOf(encoder) {
  const option = document.createElement("option");
  option.value = encoder.name;
  write(option, encoder.name);
  return option;
}
