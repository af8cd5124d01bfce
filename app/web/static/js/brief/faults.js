// What the API found wrong, said at the fields that it is about.

import { byId, show, write } from "../dom.js";

/** "body.request.constraints.key" or "terms[0].weights" as the form's fields spell their places. */
function placeOf(place) {
  return place
    .replace(/\[(\d+)\]/g, ".$1")
    .replace(/^(body|request)\./, "")
    .replace(/^request\./, "")
    .replace(/^terms\.0\b/, "reference");
}

const covers = (field, place) => place === field || place.startsWith(`${field}.`);

export class Faults {
  #form;
  #summary = byId("brief-form-faults");

  constructor(form) {
    this.#form = form;
  }

  clear() {
    show(this.#summary, false);
    for (const message of this.#form.querySelectorAll(".fault")) message.remove();
    for (const control of this.#form.querySelectorAll("[aria-invalid]")) {
      control.removeAttribute("aria-invalid");
      control.removeAttribute("aria-errormessage");
    }
  }

  /** Say each fault of a problem at its field; what has none is said above the form. */
  show(problem) {
    this.clear();
    const faults = problem.faults ?? [];
    const homeless = faults.filter((fault) => !this.#sayAt(fault));
    const general = faults.length ? homeless.map(({ place, message }) => `${place}: ${message}`).join("; ") : problem.message;
    const fields = faults.length - homeless.length;
    const places = `${fields === 1 ? "One place needs" : `${fields} places need`} another look.`;
    write(this.#summary, [general, fields ? places : ""].filter(Boolean).join(" "));
    show(this.#summary, true);
    (this.#form.querySelector("[aria-invalid]") ?? this.#summary).focus();
  }

  #sayAt({ place, message }) {
    const field = this.#fieldOf(placeOf(place));
    if (!field) return false;
    const controls = field.classList.contains("field") ? [...field.querySelectorAll("input, select, textarea")] : [];
    const control = controls.find((each) => !each.closest("[hidden]"));
    const note = document.createElement("p");
    note.className = "fault";
    note.id = `fault-${this.#form.querySelectorAll(".fault").length}`;
    write(note, message);
    field.append(note);
    control?.setAttribute("aria-invalid", "true");
    control?.setAttribute("aria-errormessage", note.id);
    return true;
  }

  /** The field with the longest place that covers this one. */
  #fieldOf(place) {
    const fields = [...this.#form.querySelectorAll("[data-place]")].filter((field) => covers(field.dataset.place, place));
    return fields.sort((a, b) => b.dataset.place.length - a.dataset.place.length)[0];
  }
}
