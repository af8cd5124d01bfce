// Short messages in the corner, read out by screen readers. They go by themselves, unless they tell of a failure or
// offer something to do.

import { byId, show, stamp, write } from "./dom.js";

const SHOWN_MS = 5000;
const OFFERED_MS = 12_000;
const MOST = 4;

export class Toasts {
  #list = byId("toasts");

  /**
   * Say something.
   * @param kind "good" or "bad"; a bad one stays until it is dismissed
   * @param action {label, run}: what to offer
   */
  say(text, { kind = "good", action = null } = {}) {
    const toast = stamp("row-toast");
    toast.dataset.kind = kind;
    write(toast.querySelector(".text"), text);
    toast.querySelector(".dismiss").addEventListener("click", () => toast.remove());
    if (action) this.#offer(toast, action);
    this.#list.append(toast);
    while (this.#list.children.length > MOST) this.#list.firstElementChild.remove();
    if (kind !== "bad") setTimeout(() => toast.remove(), action ? OFFERED_MS : SHOWN_MS);
  }

  /** Tell of a failure; one that somebody caused by cancelling is none. */
  fail(error) {
    if (error.name !== "AbortError") this.say(error.message, { kind: "bad" });
  }

  #offer(toast, { label, run }) {
    const button = toast.querySelector(".act");
    write(button, label);
    show(button, true);
    button.addEventListener("click", () => {
      toast.remove();
      run();
    });
  }
}
