// The theme: "auto" follows the system, "light" and "dark" are kept in this browser. Emits "change".

import { byId } from "./dom.js";

const PLACE = "soundkin-theme"; // before_paint.js reads it, too
const NEXT = { auto: "light", light: "dark", dark: "auto" };

export class Theme extends EventTarget {
  #button = byId("theme-switch");

  constructor() {
    super();
    this.#button.addEventListener("click", () => this.choose(NEXT[this.chosen]));
    this.#draw();
  }

  /** "auto", "light" or "dark". */
  get chosen() {
    return document.documentElement.dataset.theme ?? "auto";
  }

  choose(theme) {
    if (theme === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    try {
      localStorage.setItem(PLACE, theme);
    } catch {
      // It holds for this page, then.
    }
    this.#draw();
    this.dispatchEvent(new Event("change"));
  }

  #draw() {
    const label = `Theme: ${this.chosen}. Change to ${NEXT[this.chosen]}`;
    this.#button.querySelector("use").setAttribute("href", `#theme-${this.chosen}`);
    this.#button.setAttribute("aria-label", label);
    this.#button.title = label;
  }
}
