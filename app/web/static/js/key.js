// The key of a service that asks for one. It is kept for this tab alone, until the tab is closed.

import { byId, write } from "./dom.js";

const PLACE = "soundkin-key";

export class Key {
  #dialog = byId("key-dialog");
  #input = byId("key-input");
  #asking = null;
  #version = 0;

  constructor() {
    this.#dialog.addEventListener("cancel", (event) => event.preventDefault());
  }

  /** Whether the service asked for one and got it. */
  get isSet() {
    return sessionStorage.getItem(PLACE) !== null;
  }

  /** What a request has to say. */
  get headers() {
    return this.isSet ? { Authorization: `Bearer ${sessionStorage.getItem(PLACE)}` } : {};
  }

  /** Changes with every key, so that a refusal can be told from one that a new key has overtaken. */
  get version() {
    return this.#version;
  }

  /** Ask the person for a key, once for however many callers; resolves when there is one to try. */
  ask(reason, version) {
    if (version !== this.#version) return Promise.resolve();
    this.#asking ??= this.#open(reason).finally(() => {
      this.#asking = null;
    });
    return this.#asking;
  }

  async #open(reason) {
    write(byId("key-note"), `${reason} It is forgotten when you close this tab.`);
    this.#input.value = "";
    this.#dialog.showModal();
    await new Promise((resolve) => {
      this.#dialog.addEventListener("close", resolve, { once: true });
    });
    sessionStorage.setItem(PLACE, this.#input.value.trim());
    this.#input.value = "";
    this.#version += 1;
  }
}
