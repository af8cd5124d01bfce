// The key of a service that asks for one. It is sent once, for a session that the browser keeps as a cookie which no
// script can read; what the page keeps is the session's CSRF token, for as long as the page is open.

import { byId, write } from "./dom.js";

const PLACE = "/v1/session";

export class Key {
  #dialog = byId("key-dialog");
  #input = byId("key-input");
  #session = null; // what the service tells of it, once it was asked
  #asking = null;
  #version = 0;

  constructor() {
    this.#dialog.addEventListener("cancel", (event) => event.preventDefault());
  }

  /** Whether the service is known to ask nobody for a key. */
  get isOpen() {
    return this.#session?.open ?? false;
  }

  /** Changes with every session, so that a refusal can be told from one that a new session has overtaken. */
  get version() {
    return this.#version;
  }

  /** Remember what the service tells of the session. */
  learn(session) {
    this.#session = session;
  }

  /** What a write has to say, so that no other site can make this browser send it. */
  async proof() {
    await this.#asking; // a session that is just beginning has another token than the one before
    if (!this.#session) await this.look();
    const csrf = this.#session?.csrf;
    return csrf ? { "X-CSRF-Token": csrf } : {};
  }

  /** Ask whom the service takes this browser for; resolves to whether that is news, as after a login in another tab. */
  async look() {
    const before = this.#session?.csrf;
    try {
      const response = await fetch(PLACE);
      this.learn(response.ok ? await response.json() : null);
    } catch {
      return false; // whatever is sent next finds out by itself that nothing answers
    }
    return this.#session?.csrf !== before;
  }

  /** Ask the person for a key, once for however many callers; resolves when there is a session. */
  ask(reason, version) {
    if (version !== this.#version) return Promise.resolve();
    this.#asking ??= this.#logIn(reason).finally(() => {
      this.#asking = null;
    });
    return this.#asking;
  }

  async #logIn(reason) {
    let refusal = reason;
    while (refusal) refusal = await this.#try(await this.#enter(refusal));
    this.#version += 1;
  }

  async #enter(reason) {
    await closed(document.querySelector("#secret-dialog[open]")); // a secret is shown once and must not be covered
    write(byId("key-note"), `${reason} It is not kept in this browser: it is sent once, for a session of 12 hours at most.`);
    this.#dialog.showModal();
    await closed(this.#dialog);
    const key = this.#input.value.trim();
    this.#input.value = "";
    return key;
  }

  /** Begin a session; resolves to why not, or to nothing. */
  async #try(key) {
    try {
      const headers = { "Content-Type": "application/json" };
      const response = await fetch(PLACE, { method: "POST", headers, body: JSON.stringify({ key }) });
      const answer = await response.json();
      if (response.ok) this.learn(answer);
      return response.ok ? null : answer.detail;
    } catch {
      return "The service does not answer. Try again.";
    }
  }
}

/** Resolves when a dialog closes; at once where none is open. */
function closed(dialog) {
  return new Promise((resolve) => {
    if (dialog) dialog.addEventListener("close", resolve, { once: true });
    else resolve();
  });
}
