// What of the library is shown, and in which order: a form, kept in the address so that going back finds it again.
// Emits "change".

import { byId, debounced, write } from "../dom.js";

const SETTLE_MS = 220;
const FIELDS = ["text", "state", "sort", "tempo_min", "tempo_max", "key", "licence", "tag"];
const USUAL = { sort: "-created_at" };
const NOTES = ["C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B"];

/** "a, b" → ["a", "b"]. */
export const listed = (text) =>
  text
    .split(",")
    .map((each) => each.trim())
    .filter(Boolean);

export class LibraryQuery extends EventTarget {
  #form = byId("library-form");

  constructor() {
    super();
    this.#offerKeys();
    this.#readAddress();
    this.#form.addEventListener("submit", (event) => event.preventDefault());
    this.#form.addEventListener("input", debounced(() => this.#changed(), SETTLE_MS));
    byId("library-clear").addEventListener("click", () => this.clear());
    addEventListener("popstate", () => {
      this.#readAddress();
      this.dispatchEvent(new Event("change"));
    });
  }

  /** Whether less than the whole library is asked for. */
  get isNarrow() {
    return FIELDS.some((name) => name !== "sort" && this.#value(name));
  }

  /** A field, with "-" before it for descending. */
  get sort() {
    return this.#value("sort");
  }

  /** Order by this field; by the one that it is ordered by already, the other way round. */
  sortBy(field) {
    const usual = field === "created_at" ? `-${field}` : field;
    const other = usual === field ? `-${field}` : field;
    this.#form.elements.sort.value = this.sort === usual ? other : usual;
    this.#changed();
  }

  /** Ask for everything, in the usual order. */
  clear() {
    this.#fill(new URLSearchParams());
    this.#changed();
  }

  /** The question as the API takes it. */
  get params() {
    const params = new URLSearchParams({ sort: this.sort });
    const filter = this.#filter;
    for (const name of ["text", "state"]) if (this.#value(name)) params.set(name, this.#value(name));
    if (filter.length) params.set("filter", JSON.stringify({ all: filter }));
    return params;
  }

  get #filter() {
    const [gte, lte] = ["tempo_min", "tempo_max"].map((name) => this.#number(name));
    const tempo = { ...(gte === null ? {} : { gte }), ...(lte === null ? {} : { lte }) };
    const licences = listed(this.#value("licence"));
    return [
      Object.keys(tempo).length ? { field: "tempo_bpm", ...tempo } : null,
      this.#value("key") ? { field: "key", equals: this.#value("key") } : null,
      licences.length ? { field: "licence", in: licences } : null,
      ...listed(this.#value("tag")).map((tag) => ({ field: "all_tags", equals: tag })),
    ].filter(Boolean);
  }

  #value(name) {
    return this.#form.elements[name].value.trim();
  }

  #number(name) {
    const { value, valueAsNumber } = this.#form.elements[name];
    return value === "" || !Number.isFinite(valueAsNumber) ? null : valueAsNumber;
  }

  #changed() {
    this.#describe();
    const params = new URLSearchParams();
    for (const name of FIELDS) if (this.#value(name) !== (USUAL[name] ?? "")) params.set(name, this.#value(name));
    const address = params.size ? `?${params}` : location.pathname;
    history.replaceState(null, "", address);
    this.dispatchEvent(new Event("change"));
  }

  #readAddress() {
    this.#fill(new URLSearchParams(location.search));
    this.#describe();
    if (this.#filter.length) byId("library-filters").open = true;
  }

  #fill(params) {
    for (const name of FIELDS) this.#form.elements[name].value = params.get(name) ?? USUAL[name] ?? "";
    // What the address says may be no value that the field has.
    for (const name of ["sort", "key", "state"]) this.#form.elements[name].value ||= USUAL[name] ?? "";
  }

  #describe() {
    const active = this.#filter.length;
    write(byId("library-filter-note"), active ? `${active} active` : "");
  }

  #offerKeys() {
    for (const mode of ["major", "minor"]) {
      for (const note of NOTES) this.#form.elements.key.append(new Option(`${note} ${mode}`));
    }
  }
}
