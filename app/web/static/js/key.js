// The key of a service that asks for one. It lives in a session cookie, so that audio and events can carry it too.

import { byId, write } from "./dom.js";

const COOKIE = "soundkin_key";

export class Key {
  #dialog = byId("key-dialog");
  #input = byId("key-input");
  #asking = null;

  constructor() {
    this.#dialog.addEventListener("cancel", (event) => event.preventDefault());
  }

  /** Ask the person for a key, once for however many callers; resolves when there is one to try. */
  ask(reason) {
    this.#asking ??= this.#open(reason).finally(() => {
      this.#asking = null;
    });
    return this.#asking;
  }

  async #open(reason) {
    write(byId("key-note"), `${reason} It is forgotten when you close the browser.`);
    this.#input.value = "";
    this.#dialog.showModal();
    await new Promise((resolve) => {
      this.#dialog.addEventListener("close", resolve, { once: true });
    });
    const secure = location.protocol === "https:" ? "; Secure" : "";
    document.cookie = `${COOKIE}=${this.#input.value.trim()}; Path=/v1; SameSite=Strict${secure}`;
    this.#input.value = "";
  }
}
