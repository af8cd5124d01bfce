// A field for several words: each becomes a chip that can be taken away again.

import { show, stamp, write } from "../dom.js";

const LONGEST_WORD = 100;

export class Tokens extends EventTarget {
  #field;
  #input;
  #list;
  #words = [];

  /** @param field holds an input and a list of class "tokens" */
  constructor(field) {
    super();
    this.#field = field;
    this.#input = field.querySelector("input");
    this.#list = field.querySelector(".tokens");
    this.#input.addEventListener("keydown", (event) => this.#typed(event));
    this.#input.addEventListener("change", () => this.#take());
  }

  /** The words, also one that was typed and not yet made a chip. */
  get words() {
    this.#take();
    return [...this.#words];
  }

  set words(words) {
    this.#words = [...words];
    this.#input.value = "";
    this.#draw();
  }

  #typed(event) {
    if (event.isComposing) return;
    if ((event.key === "Enter" || event.key === ",") && this.#input.value.trim()) {
      event.preventDefault();
      this.#take();
    } else if (event.key === "Enter") {
      event.preventDefault(); // an empty field must not send the form
    } else if (event.key === "Backspace" && !this.#input.value && this.#words.length) {
      this.#remove(this.#words.at(-1));
    }
  }

  #take() {
    const typed = this.#input.value
      .split(",")
      .map((word) => word.trim().slice(0, LONGEST_WORD))
      .filter(Boolean);
    if (!typed.length) return;
    this.words = [...new Set([...this.#words, ...typed])];
  }

  #remove(word) {
    this.words = this.#words.filter((each) => each !== word);
    this.#input.focus();
  }

  #draw() {
    this.#list.replaceChildren(...this.#words.map((word) => this.#chip(word)));
    show(this.#list, this.#words.length > 0);
    this.dispatchEvent(new Event("change"));
  }

  #chip(word) {
    const chip = stamp("row-token");
    write(chip.querySelector("bdi"), word);
    const button = chip.querySelector("button");
    button.setAttribute("aria-label", `Remove ${word}`);
    button.addEventListener("click", () => this.#remove(word));
    return chip;
  }
}
