// What people say about the track, edited where it stands: Enter or leaving a field saves, Escape takes it back.
// Emits "change" with the track.

import { byId, write } from "../dom.js";

const FIELDS = ["title", "artist", "album", "licence", "external_id"];

export class Details extends EventTarget {
  #api;
  #form = byId("details-form");
  #track = null;

  constructor(api) {
    super();
    this.#api = api;
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      document.activeElement.blur();
    });
    this.#form.addEventListener("change", ({ target }) => this.#save(target));
    this.#form.addEventListener("keydown", ({ key, target }) => {
      if (key === "Escape") target.value = this.#track.metadata[target.name] ?? "";
    });
  }

  show(track) {
    this.#track = track;
    for (const name of FIELDS) {
      const field = this.#form.elements[name];
      if (field !== document.activeElement) field.value = track.metadata[name] ?? "";
    }
  }

  async #save(field) {
    if (field.value.trim() === (this.#track.metadata[field.name] ?? "")) return;
    write(byId("details-note"), "Saving…");
    try {
      const track = await this.#api.patch(`/v1/tracks/${this.#track.id}`, { [field.name]: field.value.trim() || null });
      field.removeAttribute("aria-invalid");
      write(byId("details-note"), "Saved");
      this.dispatchEvent(new CustomEvent("change", { detail: track }));
    } catch (error) {
      field.setAttribute("aria-invalid", "true");
      write(byId("details-note"), error.faults?.[0]?.message ?? error.message);
    }
  }
}
