// Whether the service answers: a banner while it does not, and a "back" event when it does again.

import { byId, show, write } from "./dom.js";

const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 5000;

export class Connection extends EventTarget {
  #banner = byId("banner");
  #isLost = false;

  get isLost() {
    return this.#isLost;
  }

  /** Something answered. */
  answered() {
    if (!this.#isLost) return;
    this.#isLost = false;
    show(this.#banner, false);
    this.dispatchEvent(new Event("back"));
  }

  /** Nothing answered: say so and look again until something does. */
  lost() {
    if (this.#isLost) return;
    this.#isLost = true;
    write(this.#banner, "The service does not answer. This page tries again by itself; nothing you did is lost.");
    show(this.#banner, true);
    this.#lookAgain(FIRST_PAUSE_MS);
  }

  /** Look whether the service is there. */
  async check() {
    try {
      await fetch("/healthz", { cache: "no-store" });
      this.answered();
    } catch {
      this.lost();
    }
  }

  #lookAgain(pause_ms) {
    setTimeout(async () => {
      await this.check();
      if (this.#isLost) this.#lookAgain(Math.min(2 * pause_ms, LONGEST_PAUSE_MS));
    }, pause_ms);
  }
}
