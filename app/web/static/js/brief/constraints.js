// The hard conditions of a brief as fields: read into what the API takes, and written from it.

import { byId, show } from "../dom.js";
import { Tokens } from "./tokens.js";

const USUAL = { length: { within: 15 }, tempo: { within: 5, within_percent: 6 } };

/** What a field of a number holds; null where it holds none. */
export const numberOf = (input) => (input.value === "" || !Number.isFinite(input.valueAsNumber) ? null : input.valueAsNumber);
const known = (fields) => Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null));

export class Constraints {
  #form;
  #licences = new Tokens(byId("brief-licences"));
  #required = new Tokens(byId("brief-tags-required"));
  #excluded = new Tokens(byId("brief-tags-excluded"));

  constructor(form) {
    this.#form = form;
    for (const kind of ["length", "tempo"]) {
      form.elements[`${kind}_mode`].addEventListener("change", () => this.#switched(kind));
    }
  }

  /** The constraints as the API takes them: only those that are asked for. */
  get value() {
    const { key, other_artist: artist, other_album: album, tempo_octaves: octaves } = this.#form.elements;
    const [length, tempo] = [this.#range("length"), this.#range("tempo")];
    return known({
      licences: orNull(this.#licences.words),
      duration_s: length,
      tempo_bpm: tempo && { ...tempo, octaves: octaves.checked },
      key: key.value || null,
      other_artist: artist.checked || null,
      other_album: album.checked || null,
      tags_required: orNull(this.#required.words),
      tags_excluded: orNull(this.#excluded.words),
    });
  }

  set value(constraints) {
    const fields = this.#form.elements;
    this.#licences.words = constraints.licences ?? [];
    this.#required.words = constraints.tags_required ?? [];
    this.#excluded.words = constraints.tags_excluded ?? [];
    this.#setRange("length", constraints.duration_s ?? null);
    this.#setRange("tempo", constraints.tempo_bpm ?? null);
    fields.tempo_octaves.checked = constraints.tempo_bpm?.octaves ?? true;
    fields.key.value = constraints.key ?? "";
    fields.other_artist.checked = Boolean(constraints.other_artist);
    fields.other_album.checked = Boolean(constraints.other_album);
  }

  #range(kind) {
    const { [`${kind}_mode`]: mode, [`${kind}_amount`]: amount, [`${kind}_gte`]: gte, [`${kind}_lte`]: lte } = this.#form.elements;
    if (!mode.value) return null;
    return mode.value === "range" ? known({ gte: numberOf(gte), lte: numberOf(lte) }) : known({ [mode.value]: numberOf(amount) });
  }

  #setRange(kind, range) {
    const fields = this.#form.elements;
    const mode = ["within_percent", "within"].find((name) => (range?.[name] ?? null) !== null);
    fields[`${kind}_mode`].value = range === null ? "" : (mode ?? "range");
    fields[`${kind}_amount`].value = mode ? range[mode] : "";
    fields[`${kind}_gte`].value = range?.gte ?? "";
    fields[`${kind}_lte`].value = range?.lte ?? "";
    this.#reveal(kind);
  }

  #switched(kind) {
    const mode = this.#form.elements[`${kind}_mode`].value;
    this.#form.elements[`${kind}_amount`].value = USUAL[kind][mode] ?? "";
    this.#reveal(kind);
  }

  #reveal(kind) {
    const mode = this.#form.elements[`${kind}_mode`].value;
    show(byId(`brief-${kind}-around`), mode.startsWith("within"));
    show(byId(`brief-${kind}-range`), mode === "range");
    if (kind === "tempo") show(byId("brief-tempo-octaves"), mode !== "");
  }
}

const orNull = (words) => (words.length ? words : null);
