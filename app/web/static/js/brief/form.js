// The dialog that makes or changes a brief. Emits "saved" with the service's answer.

import { byId, show, write } from "../dom.js";
import { plural, titleOf } from "../format.js";
import { SavedWeights } from "../saved_weights.js";
import { Weights } from "../weights.js";
import { Constraints, numberOf } from "./constraints.js";
import { Faults } from "./faults.js";
import { playable } from "./reference.js";
import { Picker } from "./picker.js";

const SHOWN_TAGS = 200;
const LONGEST_NAME = 200;

export class BriefForm extends EventTarget {
  #api;
  #dialog = byId("brief-dialog");
  #form = byId("brief-form");
  #faults = new Faults(this.#form);
  #constraints = new Constraints(this.#form);
  #weights = new Weights(byId("brief-weights"), byId("brief-encoder"));
  #saved = new SavedWeights(byId("brief-weighting"), (weights) => this.#weights.weighBy(weights));
  #picker;
  #brief = null; // the one that is changed; null makes a new one
  #opened = 0;
  #request = {}; // what the form was opened with, for what it has no field for

  constructor(api, player) {
    super();
    this.#api = api;
    this.#picker = new Picker(api, player);
    this.#picker.addEventListener("choose", ({ detail: track }) => this.#nameAfter(track));
    this.#weights.addEventListener("change", () => this.#saved.offer(this.#weights.encoder, this.#weights.counting));
    this.#form.addEventListener("submit", (event) => this.#submit(event));
    this.#form.elements.diversity.addEventListener("input", () => this.#drawDiversity());
    byId("brief-form-close").addEventListener("click", () => this.#dialog.close());
    byId("brief-form-cancel").addEventListener("click", () => this.#dialog.close());
    byId("brief-terms-drop").addEventListener("click", () => this.#dropTerms());
  }

  /**
   * Open the dialog.
   * @param brief the brief to change, or null for a new one
   * @param draft what a new one starts from: {name, note, request, reference}
   */
  async open(brief, draft = {}) {
    const { name = "", note = "", request = {}, reference = null, webhook = null } = brief ?? draft;
    const opening = ++this.#opened;
    this.#brief = brief;
    this.#request = request;
    write(byId("brief-dialog-title"), brief ? "Change the brief" : "New brief");
    write(byId("brief-form-save"), brief ? "Save and run" : "Make the brief");
    this.#faults.clear();
    this.#fill({ name, note, request, webhook });
    this.#picker.chosen = reference && playable({ request, reference });
    this.#dialog.showModal();
    this.#form.elements.name.focus();
    byId("brief-form-save").disabled = true; // until what was asked for is to be seen
    const [found] = await Promise.all([reference ? null : this.#referenceOf(request), this.#offer()]);
    if (opening !== this.#opened) return;
    this.#weights.set(request.encoder ?? null, request.reference?.weights);
    if (found) this.#picker.chosen = found;
    if (this.#picker.chosen) this.#nameAfter(this.#picker.chosen);
    byId("brief-form-save").disabled = false;
  }

  async #offer() {
    const nothing = { items: [] };
    const [{ items: encoders }, { items: tags }] = await Promise.all([
      this.#api.get("/v1/encoders").catch(() => nothing),
      this.#api.get(`/v1/tags/counts?limit=${SHOWN_TAGS}`).catch(() => nothing),
      this.#saved.load(this.#api),
    ]);
    this.#weights.offer(encoders.filter(({ state }) => state === "ready"));
    byId("brief-known-tags").replaceChildren(...tags.map(({ tag, tracks }) => new Option(plural(tracks, "track"), tag)));
  }

  #fill({ name, note, request, webhook }) {
    const fields = this.#form.elements;
    const { reference = {}, terms = [] } = request;
    fields.name.value = name;
    fields.note.value = note;
    fields.segment_start.value = reference.segment?.start_s ?? "";
    fields.segment_end.value = reference.segment?.end_s ?? "";
    this.#constraints.value = request.constraints ?? {};
    fields.k.value = request.k ?? 20;
    fields.near_misses.value = request.near_misses ?? 10;
    fields.max_similarity.value = request.max_similarity ?? "";
    fields.max_per_artist.value = request.max_per_artist ?? "";
    fields.diversity.value = request.diversity ?? 0;
    fields.webhook.value = webhook?.url ?? "";
    this.#drawDiversity();
    this.#drawTerms(terms);
  }

  async #referenceOf({ reference = {} }) {
    const path = reference.clip ? `/v1/clips/${reference.clip}` : reference.track && `/v1/tracks/${reference.track}`;
    return path ? this.#api.get(path).catch(() => null) : null;
  }

  #nameAfter(track) {
    const { name } = this.#form.elements;
    if (!name.value.trim()) name.value = `Like ${titleOf(track)}`.slice(0, LONGEST_NAME);
  }

  #drawDiversity() {
    const { value } = this.#form.elements.diversity;
    write(byId("brief-diversity-value"), Number(value) === 0 ? "off" : Number(value).toFixed(2));
  }

  #drawTerms(terms) {
    show(byId("brief-terms"), terms.length > 0);
    const tags = terms.filter(({ tag }) => tag).map(({ tag, weight = 1 }) => (weight < 0 ? `not ${tag}` : tag));
    const others = terms.length - tags.length;
    const parts = [...tags, others && plural(others, "further reference")].filter(Boolean);
    write(byId("brief-terms-note"), `Also asked with: ${parts.join(", ")}.`);
  }

  #dropTerms() {
    this.#request = { ...this.#request, terms: [] };
    this.#drawTerms([]);
  }

  get #segment() {
    const { segment_start: start, segment_end: end } = this.#form.elements;
    if (start.value === "" && end.value === "") return null;
    const length_s = this.#picker.chosen?.analysis?.duration_s ?? null;
    return { start_s: numberOf(start) ?? 0, end_s: numberOf(end) ?? length_s };
  }

  get #reference() {
    const { chosen } = this.#picker;
    const kind = chosen && "expires_at" in chosen ? "clip" : "track";
    const parts = { [kind]: chosen?.id ?? null, segment: this.#segment, weights: this.#weights.weights };
    return Object.fromEntries(Object.entries(parts).filter(([name, value]) => value !== null || name === kind));
  }

  get #body() {
    const fields = this.#form.elements;
    const optional = {
      encoder: this.#weights.encoder,
      max_similarity: numberOf(fields.max_similarity),
      max_per_artist: numberOf(fields.max_per_artist),
    };
    return {
      name: fields.name.value.trim(),
      note: fields.note.value.trim(),
      request: {
        ...Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== null)),
        ...(this.#request.terms?.length ? { terms: this.#request.terms } : {}),
        reference: this.#reference,
        constraints: this.#constraints.value,
        diversity: numberOf(fields.diversity) ?? 0,
        k: numberOf(fields.k) ?? 20,
        near_misses: numberOf(fields.near_misses) ?? 0,
      },
    };
  }

  /** The webhook is sent only where it changes, because every new one gets a new secret. */
  get #webhook() {
    const url = this.#form.elements.webhook.value.trim();
    if (url === (this.#brief?.webhook?.url ?? "")) return {};
    return { webhook: url ? { url } : null };
  }

  /** What the form itself can see: the service would say it less kindly. */
  get #ownFaults() {
    const { name } = this.#form.elements;
    return [
      !name.value.trim() && { place: "name", message: "Give the brief a name." },
      !this.#picker.chosen && { place: "reference", message: "Choose a track, or bring a clip, to compare with." },
    ].filter(Boolean);
  }

  async #submit(event) {
    event.preventDefault();
    const faults = this.#ownFaults;
    if (faults.length) return this.#faults.show({ faults });
    const button = byId("brief-form-save");
    button.disabled = true;
    try {
      const body = { ...this.#body, ...this.#webhook };
      const saved = await (this.#brief ? this.#api.patch(`/v1/briefs/${this.#brief.id}`, body) : this.#api.post("/v1/briefs", body));
      this.#dialog.close();
      this.dispatchEvent(new CustomEvent("saved", { detail: saved }));
    } catch (error) {
      this.#faults.show(error);
    } finally {
      button.disabled = false;
    }
  }
}
