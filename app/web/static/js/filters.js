// Which tracks may be found at all, and how alike and how varied they may be. Emits "change" when a field does.

import { byId, fillRail, show, write } from "./dom.js";
import { clock, count, plural, similarity } from "./format.js";
import { compatibleKeys } from "./search/keys.js";
import { TagChips } from "./search/tag_chips.js";

const ANY = "any tempo, length, licence and key";

export class Filters extends EventTarget {
  #form = byId("filter-form");
  #api;
  #required;
  #excluded;
  #reference = null;
  #counts = null;

  constructor(api) {
    super();
    this.#api = api;
    this.#required = this.#newChips("tags-required", "with");
    this.#excluded = this.#newChips("tags-excluded", "without");
    this.#form.addEventListener("submit", (event) => event.preventDefault());
    this.#form.addEventListener("input", (event) => event.target.name && this.#changed());
    // A reset event comes before the fields are empty.
    this.#form.addEventListener("reset", () => setTimeout(() => this.#cleared()));
    this.#draw();
  }

  /** Compare keys with those of this track. */
  set reference(track) {
    this.#reference = track;
    this.#draw();
  }

  reveal(visible) {
    show(byId("filters"), visible);
  }

  /** The filter as the API takes it; `null` when every track may be found. */
  get tree() {
    const keys = this.#keys;
    const all = [
      between("tempo_bpm", this.#number("tempo_min"), this.#number("tempo_max")),
      between("duration_s", this.#number("duration_min"), this.#number("duration_max")),
      this.licences.length ? { field: "licence", in: this.licences } : null,
      keys.length ? { field: "key", in: keys } : null,
      this.otherArtist ? { not: { field: "artist", same_as_query: true } } : null,
      ...this.#required.tags.map((tag) => ({ field: "all_tags", equals: tag })),
      this.#excluded.tags.length ? { not: { field: "all_tags", in: this.#excluded.tags } } : null,
    ].filter(Boolean);
    return all.length ? { all } : null;
  }

  /** What a search takes beside its filter. */
  get options() {
    return known({
      max_similarity: this.#number("max_similarity"),
      diversity: this.#number("diversity") || null,
      max_per_artist: this.#number("max_per_artist"),
    });
  }

  /** {gte, lte} of tempo, as far as given. */
  get tempo() {
    return known({ gte: this.#number("tempo_min"), lte: this.#number("tempo_max") });
  }

  get duration() {
    return known({ gte: this.#number("duration_min"), lte: this.#number("duration_max") });
  }

  get licences() {
    return this.#form.licence.value
      .split(",")
      .map((name) => name.trim())
      .filter(Boolean);
  }

  /** "same", "compatible" or "". */
  get key() {
    return this.#form.key.value;
  }

  get otherArtist() {
    return this.#form.other_artists.checked;
  }

  get tagsRequired() {
    return this.#required.tags;
  }

  get tagsExcluded() {
    return this.#excluded.tags;
  }

  /** What is filled in, by name, as an address can carry it. */
  get fields() {
    const fields = Object.fromEntries(new FormData(this.#form));
    const tags = { tags_required: this.tagsRequired.join(), tags_excluded: this.tagsExcluded.join() };
    return Object.fromEntries(Object.entries({ ...fields, ...tags }).filter(([name, value]) => value && !(name === "diversity" && value === "0")));
  }

  /** Fill in these fields, and empty the others. Tells nobody. */
  set fields(fields) {
    for (const field of this.#form.elements) {
      if (!field.name) continue;
      if (field.type === "checkbox") field.checked = field.name in fields;
      else field.value = fields[field.name] ?? (field.type === "range" ? "0" : "");
    }
    this.#required.tags = listOf(fields.tags_required);
    this.#excluded.tags = listOf(fields.tags_excluded);
    this.#draw();
  }

  /** Let every track be found. */
  clear() {
    this.fields = {};
    this.#changed();
  }

  /** Let the closest be found, however close. */
  liftCeiling() {
    this.#form.max_similarity.value = "";
    this.#changed();
  }

  #newChips(id, verb) {
    const chips = new TagChips(byId(id), () => this.#tagCounts(), verb);
    chips.addEventListener("change", () => this.#changed());
    return chips;
  }

  /** Tags of the library with their numbers of tracks, asked for once somebody wants them. */
  async #tagCounts() {
    try {
      this.#counts ??= (await this.#api.get("/v1/tags/counts?limit=200")).items;
    } catch {
      return []; // what is typed can be taken without them
    }
    return this.#counts.map(({ tag, tracks }) => ({ label: tag, detail: plural(tracks, "track") }));
  }

  get #keys() {
    const key = this.#reference?.analysis?.key;
    if (!key || !this.key) return [];
    return this.key === "same" ? [key] : compatibleKeys(key);
  }

  #number(name) {
    const field = this.#form[name];
    return field.value === "" || !Number.isFinite(field.valueAsNumber) ? null : field.valueAsNumber;
  }

  #cleared() {
    this.#required.tags = [];
    this.#excluded.tags = [];
    this.#changed();
  }

  #changed() {
    this.#draw();
    this.dispatchEvent(new Event("change"));
  }

  #draw() {
    const { diversity, key } = this.#form;
    const tonality = this.#reference?.analysis?.key;
    fillRail(diversity, 0, diversity.valueAsNumber);
    write(byId("diversity-value"), diversity.valueAsNumber ? diversity.value : "off");
    write(key.querySelector("[value=same]"), tonality ? `the same, ${tonality}` : "the same");
    key.title = tonality ? compatibleKeys(tonality).join(", ") : "No key of the reference is known";
    write(byId("filter-note"), this.#inWords());
  }

  #inWords() {
    const parts = [
      range(this.#number("tempo_min"), this.#number("tempo_max"), (bpm) => `${bpm} bpm`),
      range(this.#number("duration_min"), this.#number("duration_max"), clock),
      this.licences.length ? this.licences.join(" or ") : null,
      this.#keyInWords(),
      this.otherArtist ? "another artist" : null,
      ...this.tagsRequired.map((tag) => `with ${tag}`),
      ...this.tagsExcluded.map((tag) => `without ${tag}`),
      ...this.#optionsInWords(),
    ].filter(Boolean);
    return parts.length ? parts.join(", ") : ANY;
  }

  #keyInWords() {
    if (!this.key) return null;
    const keys = this.#keys;
    return keys.length ? `in ${keys.join(", ")}` : "any key, as that of the reference is not known";
  }

  #optionsInWords() {
    const { max_similarity: ceiling, diversity, max_per_artist: most } = this.options;
    return [
      ceiling === undefined ? null : `no closer than ${similarity(ceiling)}`,
      diversity ? `varied by ${diversity}` : null,
      most ? `at most ${count(most)} by one artist` : null,
    ];
  }
}

const listOf = (text) => (text ?? "").split(",").filter(Boolean);

const known = (values) => Object.fromEntries(Object.entries(values).filter(([, value]) => value !== null));

function between(field, least, most) {
  if (least === null && most === null) return null;
  return { field, ...known({ gte: least, lte: most }) };
}

function range(least, most, inWords) {
  if (least === null && most === null) return null;
  if (least === null) return `up to ${inWords(most)}`;
  return most === null ? `from ${inWords(least)}` : `${inWords(least)} to ${inWords(most)}`;
}
