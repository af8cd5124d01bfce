// Which tracks may be found at all. Emits "change" when a field does.

import { byId, show, write } from "./dom.js";
import { clock } from "./format.js";

export class Filters extends EventTarget {
  #form = byId("filter-form");

  constructor() {
    super();
    this.#form.addEventListener("submit", (event) => event.preventDefault());
    this.#form.addEventListener("input", () => this.#changed());
    // A reset event comes before the fields are empty.
    this.#form.addEventListener("reset", () => setTimeout(() => this.#changed()));
  }

  reveal() {
    show(byId("filters"), true);
  }

  /** Whether anything is asked for. */
  get isActive() {
    return this.tree !== null;
  }

  /** The filter as the API takes it; `null` when every track may be found. */
  get tree() {
    const all = [
      between("tempo_bpm", this.#number("tempo_min"), this.#number("tempo_max")),
      between("duration_s", this.#number("duration_min"), this.#number("duration_max")),
      this.#licences.length ? { field: "licence", in: this.#licences } : null,
      this.#form.other_artists.checked ? { not: { field: "artist", same_as_query: true } } : null,
    ].filter(Boolean);
    return all.length ? { all } : null;
  }

  get #licences() {
    return this.#form.licence.value
      .split(",")
      .map((name) => name.trim())
      .filter(Boolean);
  }

  #number(name) {
    const field = this.#form[name];
    return field.value === "" || !Number.isFinite(field.valueAsNumber) ? null : field.valueAsNumber;
  }

  #changed() {
    write(byId("filter-note"), this.#inWords());
    this.dispatchEvent(new Event("change"));
  }

  #inWords() {
    const parts = [
      range(this.#number("tempo_min"), this.#number("tempo_max"), (bpm) => `${bpm} bpm`),
      range(this.#number("duration_min"), this.#number("duration_max"), clock),
      this.#licences.length ? this.#licences.join(" or ") : null,
      this.#form.other_artists.checked ? "another artist" : null,
    ].filter(Boolean);
    return parts.length ? parts.join(", ") : "any tempo, length and licence";
  }
}

function between(field, least, most) {
  if (least === null && most === null) return null;
  return { field, ...(least === null ? {} : { gte: least }), ...(most === null ? {} : { lte: most }) };
}

function range(least, most, inWords) {
  if (least === null && most === null) return null;
  if (least === null) return `up to ${inWords(most)}`;
  return most === null ? `from ${inWords(least)}` : `${inWords(least)} to ${inWords(most)}`;
}
