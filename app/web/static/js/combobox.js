// A text field that offers what can be chosen: arrows move, Enter takes, Escape closes. Emits "pick" with an option.

import { show, write } from "./dom.js";

const SHOWN = 12;
let made = 0;

export class Combobox extends EventTarget {
  #input;
  #list;
  #status;
  #find;
  #options = [];
  #active = -1;
  #asked = 0;
  #opening = null;

  /**
   * @param root holds an input, a list and a status line
   * @param find text → options {label, detail}, or a promise of them
   */
  constructor(root, find) {
    super();
    this.#input = root.querySelector("input");
    this.#list = root.querySelector("[role=listbox]");
    this.#status = root.querySelector("[role=status]");
    this.#find = find;
    this.#list.id ||= `options-${++made}`;
    this.#input.setAttribute("aria-controls", this.#list.id);
    this.#input.addEventListener("input", () => this.#lookUp());
    this.#input.addEventListener("click", () => this.#lookUp());
    this.#input.addEventListener("keydown", (event) => this.#pressed(event));
    this.#input.addEventListener("blur", () => this.close());
    // Before the field loses the focus, which would close the list.
    this.#list.addEventListener("mousedown", (event) => event.preventDefault());
    this.#list.addEventListener("click", (event) => this.#clicked(event));
  }

  close() {
    this.#asked += 1;
    this.#active = -1;
    this.#options = [];
    show(this.#list, false);
    this.#input.setAttribute("aria-expanded", "false");
    this.#input.removeAttribute("aria-activedescendant");
  }

  #lookUp() {
    const opening = this.#open().finally(() => {
      if (this.#opening === opening) this.#opening = null;
    });
    this.#opening = opening;
  }

  async #open() {
    const asked = ++this.#asked;
    const found = await this.#find(this.#input.value.trim());
    if (asked !== this.#asked) return;
    this.#options = found.slice(0, SHOWN);
    this.#active = -1;
    this.#list.replaceChildren(...this.#options.map((option, place) => this.#row(option, place)));
    const open = this.#options.length > 0;
    show(this.#list, open);
    this.#input.setAttribute("aria-expanded", String(open));
    write(this.#status, open ? `${this.#options.length} offered` : this.#input.value.trim() ? "Nothing like it" : "");
  }

  #row({ label, detail }, place) {
    const row = document.createElement("li");
    row.id = `${this.#list.id}-${place}`;
    row.setAttribute("role", "option");
    row.setAttribute("aria-selected", "false");
    const [name, more] = [document.createElement("bdi"), document.createElement("span")];
    write(name, label);
    write(more, detail);
    more.className = "note";
    row.append(name, more);
    return row;
  }

  #pressed(event) {
    const moves = { ArrowDown: 1, ArrowUp: -1 };
    if (event.key in moves) {
      event.preventDefault();
      if (this.#list.hidden) this.#lookUp();
      else this.#activate((this.#active + moves[event.key] + this.#options.length) % this.#options.length);
    } else if (event.key === "Enter" && (this.#opening || !this.#list.hidden)) {
      event.preventDefault();
      this.#takeActive();
    } else if (event.key === "Escape" && !this.#list.hidden) {
      event.preventDefault();
      this.close();
    }
  }

  /** Take the option that is active, else the first; those that belong to the text may still be on their way. */
  async #takeActive() {
    await this.#opening;
    const option = this.#options[Math.max(this.#active, 0)];
    if (option) this.#take(option);
  }

  #activate(place) {
    this.#active = place;
    [...this.#list.children].forEach((row, each) => row.setAttribute("aria-selected", String(each === place)));
    this.#list.children[place].scrollIntoView({ block: "nearest" });
    this.#input.setAttribute("aria-activedescendant", `${this.#list.id}-${place}`);
  }

  #clicked({ target }) {
    const place = [...this.#list.children].indexOf(target.closest("[role=option]"));
    if (place >= 0) this.#take(this.#options[place]);
  }

  #take(option) {
    this.#input.value = "";
    this.close();
    this.dispatchEvent(new CustomEvent("pick", { detail: option }));
  }
}

/** Options whose label has the text, those that begin with it first. */
export function matching(options, text) {
  const wanted = text.toLowerCase();
  const rank = ({ label }) => label.toLowerCase().indexOf(wanted);
  const found = options.filter((option) => rank(option) >= 0);
  return wanted ? found.sort((a, b) => Math.sign(rank(a)) - Math.sign(rank(b))) : found;
}
