// The line at the top: how much there is, and how much is still on its way.

import { byId, seldom, write } from "./dom.js";
import { count, plural } from "./format.js";

export class Counts {
  #api;
  #encoders;

  /** Look again soon, and not more often than once a second. */
  refresh = seldom(() => this.load());

  constructor(api, encoders) {
    this.#api = api;
    this.#encoders = encoders;
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
