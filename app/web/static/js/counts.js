// The line at the top: how much there is, and how much is still on its way.

import { byId, write } from "./dom.js";
import { count, plural } from "./format.js";

const REFRESH_MS = 1000;

export class Counts {
  #api;
  #encoders;
  #due = false;

  constructor(api, encoders) {
    this.#api = api;
    this.#encoders = encoders;
  }

  /** Look again soon, and not more often than once a second. */
  refresh() {
    if (this.#due || document.hidden) return;
    this.#due = true;
    setTimeout(() => {
      this.#due = false;
      this.load();
    }, REFRESH_MS);
  }

  async load() {
    const stats = await this.#api.get("/v1/stats").catch(() => null);
    if (stats) write(byId("counts"), this.#inWords(stats.tracks));
  }

  #inWords({ ready = 0, pending = 0, failed = 0 }) {
    const parts = [plural(ready, "track")];
    if (pending) parts.push(`${count(pending)} on the way`);
    if (failed) parts.push(`${count(failed)} failed`);
    if (!this.#encoders.isReady) parts.push("the worker is starting");
    return parts.join(" · ");
  }
}
