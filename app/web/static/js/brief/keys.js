// The keys of the results: j and k walk, space plays, s shortlists, r rejects, ? shows them.

import { byId } from "../dom.js";

const TYPED_INTO = "input, select, textarea, [contenteditable]";
const OWN_SPACE = "button, a, summary, [role=tab]";

export class Keys {
  #lists;
  #help = byId("keys-help");

  /** @param lists all candidates of the page, whichever are to be seen */
  constructor(lists) {
    this.#lists = lists;
    addEventListener("keydown", (event) => this.#pressed(event));
    addEventListener("pointerdown", (event) => {
      if (!this.#help.contains(event.target)) this.#help.open = false;
    });
  }

  #pressed(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    if (event.target.closest?.(TYPED_INTO)) return;
    if (event.key === " " && event.target.closest?.(OWN_SPACE)) return;
    if (this.#does(event.key)) event.preventDefault();
  }

  #does(key) {
    const current = document.activeElement?.closest(".candidate");
    const list = this.#lists.find(({ rows }) => rows.includes(current));
    if (key === "j" || key === "k") return this.#walk(current, key === "j" ? 1 : -1);
    if (key === "?") return this.#showHelp(!this.#help.open);
    if (key === "Escape" && this.#help.open) return this.#showHelp(false);
    if (!list) return false;
    if (key === " ") list.play(current);
    else if (key === "s") list.shortlist(current);
    else if (key === "r") list.reject(current);
    else return false;
    return true;
  }

  #walk(current, step) {
    const rows = this.#lists.flatMap((list) => list.rows).filter((row) => row.checkVisibility());
    const place = rows.indexOf(current);
    const next = place < 0 ? rows[0] : rows[Math.min(Math.max(place + step, 0), rows.length - 1)];
    next?.focus();
    next?.scrollIntoView({ block: "nearest" });
    return Boolean(next);
  }

  #showHelp(open) {
    this.#help.open = open;
    return true;
  }
}
