// A field that gathers tags: what is typed or chosen becomes a chip. Emits "change".

import { Combobox, matching } from "../combobox.js";
import { stamp, write } from "../dom.js";

export class TagChips extends EventTarget {
  #list;
  #input;
  #verb;
  #tags = [];

  /**
   * @param root holds a list of chips and a combobox
   * @param offer resolves to options {label, detail}: tags that there are
   * @param verb what a chip asks for, as in "with piano"
   */
  constructor(root, offer, verb) {
    super();
    this.#list = root.querySelector(".chips");
    this.#input = root.querySelector("input");
    this.#verb = verb;
    const combobox = new Combobox(root.querySelector(".combobox"), async (text) => this.#offered(await offer(), text));
    combobox.addEventListener("pick", ({ detail }) => this.#add(detail.tag));
  }

  get tags() {
    return this.#tags;
  }

  set tags(tags) {
    this.#tags = [...new Set(tags)];
    this.#draw();
  }

  /** What was typed can be taken too: not every tag is among the most frequent ones. */
  #offered(options, text) {
    const found = matching(options, text)
      .filter(({ label }) => !this.#tags.includes(label))
      .map((option) => ({ ...option, tag: option.label }));
    const typed = text && !found.some(({ tag }) => tag.toLowerCase() === text.toLowerCase());
    return typed ? [...found.slice(0, 11), { label: `“${text}”`, detail: "as typed", tag: text }] : found;
  }

  #add(tag) {
    this.tags = [...this.#tags, tag];
    this.dispatchEvent(new Event("change"));
  }

  #remove(tag) {
    this.tags = this.#tags.filter((each) => each !== tag);
    this.#input.focus();
    this.dispatchEvent(new Event("change"));
  }

  #draw() {
    this.#list.replaceChildren(...this.#tags.map((tag) => this.#chip(tag)));
  }

  #chip(tag) {
    const chip = stamp("chip-tag");
    write(chip.querySelector("bdi"), tag);
    const button = chip.querySelector("button");
    button.setAttribute("aria-label", `Take away: ${this.#verb} ${tag.slice(0, 80)}`);
    button.addEventListener("click", () => this.#remove(tag));
    return chip;
  }
}
