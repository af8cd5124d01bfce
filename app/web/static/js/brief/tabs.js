// Tabs by the pattern that screen readers know: one is in the order of the keys, the arrows change between them.
// Emits "open" with the name of the tab that was opened.

import { byId, show } from "../dom.js";

export class Tabs extends EventTarget {
  #tabs;

  constructor(list) {
    super();
    this.#tabs = [...list.querySelectorAll("[role=tab]")];
    list.addEventListener("click", (event) => {
      const tab = event.target.closest("[role=tab]");
      if (tab) this.#open(tab);
    });
    list.addEventListener("keydown", (event) => this.#move(event));
  }

  /** Name of the open tab: its id without "tab-". */
  get open() {
    return nameOf(this.#tabs.find((tab) => tab.getAttribute("aria-selected") === "true"));
  }

  #move(event) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const place = this.#tabs.indexOf(document.activeElement);
    const next = this.#tabs[(place + step + this.#tabs.length) % this.#tabs.length];
    next.focus();
    this.#open(next);
  }

  #open(chosen) {
    for (const tab of this.#tabs) {
      tab.setAttribute("aria-selected", String(tab === chosen));
      tab.tabIndex = tab === chosen ? 0 : -1;
      show(byId(tab.getAttribute("aria-controls")), tab === chosen);
    }
    this.dispatchEvent(new CustomEvent("open", { detail: nameOf(chosen) }));
  }
}

const nameOf = (tab) => tab.id.replace("tab-", "");
