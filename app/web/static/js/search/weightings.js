// Weights that were saved under a name: chosen for the first reference, and new ones saved.

import { byId, show, write } from "../dom.js";
import { SavedWeights } from "../saved_weights.js";

export class Weightings {
  #api;
  #query;
  #toasts;
  #saved = new SavedWeights(byId("weighting"), (weights) => this.#query.weighBy(this.#query.voices[0], weights));
  #dialog = byId("weighting-dialog");
  #saving = null;

  constructor(api, query, toasts) {
    this.#api = api;
    this.#query = query;
    this.#toasts = toasts;
    byId("mix-save").addEventListener("click", () => this.save(query.weightsOf(query.voices[0])));
    byId("weighting-form").addEventListener("submit", (event) => this.#send(event));
    byId("weighting-cancel").addEventListener("click", () => this.#dialog.close());
    query.addEventListener("weights", () => this.#saved.mark(this.#weights));
  }

  /** Load those that there are. */
  async load() {
    await this.#saved.load(this.#api);
    this.draw();
  }

  /** Offer those of the encoder in use. */
  draw() {
    const { voices, encoder } = this.#query;
    write(byId("weighting-label"), voices.length > 1 ? "Saved weights, for the first" : "Saved weights");
    this.#saved.offer(voices.length ? encoder?.name : null, this.#weights);
    show(byId("mix-save"), voices.length > 0);
  }

  /** Ask for a name and save these weights. */
  save(weights) {
    this.#saving = weights;
    write(byId("weighting-fault"), "");
    byId("weighting-name").value = "";
    this.#dialog.showModal();
  }

  /** Those of the first reference, the one that they are chosen for. */
  get #weights() {
    const [voice] = this.#query.voices;
    return voice ? this.#query.weightsOf(voice) : {};
  }

  async #send(event) {
    event.preventDefault();
    try {
      const body = { name: byId("weighting-name").value.trim(), encoder: this.#query.encoder.name, weights: this.#saving };
      const saved = await this.#api.post("/v1/weightings", body);
      this.#dialog.close();
      this.#toasts.say(`Saved as “${saved.name.slice(0, 60)}”.`);
      await this.load();
    } catch (error) {
      write(byId("weighting-fault"), error.message);
    }
  }
}
