// A part of the track: typed or dragged, heard, searched with, and looked for in the track itself.

import { byId, show, stamp, write } from "../dom.js";
import { clock, plural, seconds, similarity } from "../format.js";

const LEAST_SIMILAR = 0.5;
const MOST_SECTIONS = 10;
const NO_PART = "A part goes from a time to a later one, as in 0:30 and 0:45.";

export class Part {
  #api;
  #wave;
  #player;
  #form = byId("part-form");
  #usualHint = byId("part-hint").textContent;
  #track = null;
  #part = null;
  #asked = 0;

  constructor(api, wave, player) {
    this.#api = api;
    this.#wave = wave;
    this.#player = player;
    wave.addEventListener("part", ({ detail }) => this.#take(detail));
    this.#form.addEventListener("change", () => this.#read());
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#find();
    });
    byId("part-clear").addEventListener("click", () => this.#take(null));
    byId("part-play").addEventListener("click", () => player.playFrom(this.#track, this.#part.start_s, this.#part));
  }

  show(track) {
    this.#track = track;
    show(byId("part-find"), track.state === "ready");
    show(byId("part-search"), track.state === "ready");
  }

  #read() {
    const { from, to } = this.#form.elements;
    const length_s = this.#track.analysis?.duration_s ?? Infinity;
    const [start_s, end_s] = [seconds(from.value), Math.min(seconds(to.value) ?? 0, length_s)];
    const isPart = start_s !== null && end_s > start_s;
    const isWrong = Boolean(from.value && to.value) && !isPart;
    for (const field of [from, to]) field.setAttribute("aria-invalid", isWrong);
    write(byId("part-hint"), isWrong ? NO_PART : this.#usualHint);
    show(byId("part-hint"), true);
    if (isPart) this.#take({ start_s, end_s });
  }

  #take(part) {
    this.#part = part;
    this.#asked += 1;
    this.#wave.mark(part);
    this.#wave.markSections([]);
    show(byId("sections-found"), false);
    show(byId("part-actions"), part !== null);
    show(byId("part-hint"), part === null);
    const { from, to } = this.#form.elements;
    [from.value, to.value] = part ? [clock(part.start_s), clock(part.end_s)] : ["", ""];
    for (const field of [from, to]) field.removeAttribute("aria-invalid");
    if (part) byId("part-search").href = `/#track=${this.#track.id}&from=${part.start_s.toFixed(1)}&to=${part.end_s.toFixed(1)}`;
  }

  async #find() {
    if (!this.#part) return;
    const asked = ++this.#asked;
    const { id } = this.#track;
    this.#say("Listening through the track…");
    try {
      const { sections } = await this.#api.post("/v1/search/sections", {
        terms: [{ track: id, segment: this.#part }],
        track: id,
        min_similarity: LEAST_SIMILAR,
        k: MOST_SECTIONS,
      });
      if (asked === this.#asked) this.#draw(sections.filter((section) => !covers(section, this.#part)));
    } catch (error) {
      if (asked === this.#asked) this.#say(error.message);
    }
  }

  #draw(sections) {
    this.#say(sections.length ? `${plural(sections.length, "section")} like this one` : "No other section sounds like this one.");
    byId("section-list").replaceChildren(...sections.map((section) => this.#row(section)));
    this.#wave.markSections(sections);
  }

  #row(section) {
    const row = stamp("row-section");
    const span = `${clock(section.start_s)} – ${clock(section.end_s)}`;
    write(row.querySelector(".span"), span);
    write(row.querySelector(".amount"), similarity(section.similarity));
    row.firstElementChild.setAttribute("aria-label", `Play ${span}, similarity ${similarity(section.similarity)}`);
    row.firstElementChild.addEventListener("click", () => this.#player.playFrom(this.#track, section.start_s, section));
    return row;
  }

  #say(text) {
    write(byId("sections-note"), text);
    byId("section-list").replaceChildren();
    show(byId("sections-found"), true);
  }
}

/** Whether the section is little more than the part itself. */
function covers(section, part) {
  const common = Math.min(section.end_s, part.end_s) - Math.max(section.start_s, part.start_s);
  return common > 0.5 * (section.end_s - section.start_s);
}
