// What the colours mean. A group can be chosen, so that it alone stands out: nobody has to tell colours apart.
// Emits "only" with the number of a group, or -1 for all.

import { byId, show, stamp, write } from "../dom.js";
import { count } from "../format.js";
import { tempoColour } from "./colours.js";

const SCALE_STOPS = 9;

export class Legend extends EventTarget {
  #list = byId("legend");
  #scale = byId("legend-scale");

  show({ groups, scale }) {
    show(this.#scale, scale !== null);
    if (scale) this.#showScale(scale);
    const listed = groups.map((group, number) => ({ ...group, number })).filter((group) => group.count > 0 && group.label);
    this.#list.replaceChildren(...listed.map((group) => this.#row(group)));
  }

  #showScale({ slow, fast }) {
    const stops = Array.from({ length: SCALE_STOPS }, (_, place) => tempoColour(place / (SCALE_STOPS - 1)));
    byId("legend-ramp").style.background = `linear-gradient(to right, ${stops.join(", ")})`;
    write(byId("legend-slow"), `${Math.round(slow)} bpm`);
    write(byId("legend-fast"), `${Math.round(fast)} bpm`);
  }

  #row({ label, colour, shape, count: tracks, number }) {
    const row = stamp("row-legend");
    const button = row.querySelector("button");
    const mark = row.querySelector(".mark-of");
    mark.style.color = colour;
    mark.dataset.shape = shape;
    write(row.querySelector("bdi"), label);
    write(row.querySelector(".amount"), count(tracks));
    button.addEventListener("click", () => this.#choose(button, number));
    return row;
  }

  #choose(button, number) {
    const wasChosen = button.getAttribute("aria-pressed") === "true";
    for (const each of this.#list.querySelectorAll("button")) each.setAttribute("aria-pressed", String(each === button && !wasChosen));
    this.dispatchEvent(new CustomEvent("only", { detail: wasChosen ? -1 : number }));
  }
}
