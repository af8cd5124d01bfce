// Weightings that were kept: renamed where they stand, or forgotten.

import { confirmed } from "../confirm.js";
import { byId, show, stamp, write } from "../dom.js";

const NONE = "None is kept yet. Set the sliders of a search and save them there.";

export class Weightings {
  #api;
  #toasts;

  constructor(api, toasts) {
    this.#api = api;
    this.#toasts = toasts;
  }

  async load() {
    try {
      const { items } = await this.#api.get("/v1/weightings");
      byId("weighting-list").replaceChildren(...items.map((weighting) => this.#row(weighting)));
      write(byId("weightings-note"), items.length ? "" : NONE);
    } catch (error) {
      write(byId("weightings-note"), error.message);
    }
    show(byId("weightings-note"), byId("weightings-note").textContent !== "");
  }

  #row(weighting) {
    const row = stamp("row-weighting");
    const [name, forget] = [row.querySelector("input"), row.querySelector(".forget")];
    name.value = weighting.name;
    name.setAttribute("aria-label", `Name of the weighting ${weighting.name.slice(0, 80)}`);
    name.addEventListener("change", () => this.#rename(weighting, name));
    forget.setAttribute("aria-label", `Forget ${weighting.name.slice(0, 80)}`);
    forget.addEventListener("click", () => this.#forget(weighting));
    write(row.querySelector(".note"), `${weighting.encoder}: ${inWords(weighting.weights)}`);
    return row;
  }

  async #rename({ id, encoder, weights, name }, field) {
    try {
      await this.#api.put(`/v1/weightings/${id}`, { name: field.value.trim(), encoder, weights });
      this.#toasts.say("Renamed");
    } catch (error) {
      field.value = name;
      this.#toasts.fail(error);
    }
  }

  async #forget({ id, name }) {
    const sure = await confirmed({ title: `Forget “${name.slice(0, 80)}”?`, text: "Searches that used it stay as they are.", action: "Forget" });
    if (!sure) return;
    try {
      await this.#api.delete(`/v1/weightings/${id}`);
      await this.load();
    } catch (error) {
      this.#toasts.fail(error);
    }
  }
}

const inWords = (weights) =>
  Object.entries(weights)
    .filter(([, weight]) => weight !== 0)
    .toSorted((one, other) => other[1] - one[1])
    .map(([space, weight]) => `${space} ${String(Math.round(100 * weight) / 100).replace("-", "\u2212")}`)
    .join(", ");
