// The field that adds a tag to the query: from the vocabulary of every encoder that knows some.

import { Combobox, matching } from "../combobox.js";
import { byId, show } from "../dom.js";

export class TagAdder {
  #options = [];

  constructor(query) {
    const combobox = new Combobox(byId("tag-adder"), (text) => matching(this.#options, text));
    combobox.addEventListener("pick", ({ detail }) => query.addTag(detail));
  }

  /** Offer the tags of these encoders, the first one's first. */
  use(encoders) {
    const several = encoders.filter(({ tags }) => Object.keys(tags).length).length > 1;
    this.#options = encoders.flatMap(({ name, tags }) =>
      Object.entries(tags).flatMap(([space, names]) =>
        names.map((tag) => ({ label: tag, detail: several ? `${space}, ${name}` : space, encoder: name, space, tag })),
      ),
    );
    show(byId("tag-adder"), this.#options.length > 0);
  }
}
