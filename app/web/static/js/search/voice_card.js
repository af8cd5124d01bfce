// One reference of several: what it is, which part of it counts, and its sliders.

import { byId, show, stamp, write } from "../dom.js";
import { clock, seconds, titleOf } from "../format.js";
import { showSounding } from "../player.js";
import { Slider } from "./slider.js";

export class VoiceCard {
  #query;
  #player;
  #voice;
  #sliders = new Map();
  #made = "";

  constructor(query, player, voice) {
    this.element = stamp("card-voice");
    this.#query = query;
    this.#player = player;
    this.#voice = voice;
    this.#find(".play").addEventListener("click", () => player.toggle(voice.track, voice.part));
    this.#find(".remove").addEventListener("click", () => this.#remove());
    this.#find(".part").addEventListener("click", () => this.#openPart(this.#find(".part-fields").hidden));
    this.#find(".part-fields").addEventListener("submit", (event) => event.preventDefault());
    this.#find(".part-fields").addEventListener("change", () => this.#cut());
    this.#find(".whole").addEventListener("click", () => this.#takeWhole());
    this.#fill();
  }

  /** Draw what the query says now. `alone`: there is no other reference to tell it from. */
  draw(alone) {
    this.#makeSliders();
    this.element.classList.toggle("alone", alone);
    for (const dimension of this.#query.dimensions) {
      this.#sliders.get(dimension.name).weight = this.#query.weightOf(this.#voice, dimension);
    }
    const { part } = this.#voice;
    write(this.#find(".part"), part ? `${clock(part.start_s)}–${clock(part.end_s)}` : "Whole track");
  }

  /** Show the share of each slider, by name of its dimension. */
  showShares(shares) {
    for (const [name, slider] of this.#sliders) slider.showShare(shares[name] ?? 0);
  }

  markSounding() {
    const sounding = this.#player.isPlaying(this.#voice.track.id);
    showSounding(this.#find(".play"), sounding, `${sounding ? "Pause" : "Play"} ${this.#name}`);
  }

  #find(selector) {
    return this.element.querySelector(selector);
  }

  get #name() {
    return titleOf(this.#voice.track).slice(0, 80);
  }

  #fill() {
    const { key, track } = this.#voice;
    const title = this.#find(".title");
    title.id = `voice-${key}`;
    write(title.querySelector("bdi"), titleOf(track));
    this.element.setAttribute("aria-labelledby", title.id);
    this.#find(".remove").setAttribute("aria-label", `Remove ${this.#name} from the references`);
    this.#find(".part").setAttribute("aria-controls", `part-${key}`);
    this.#find(".part-fields").id = `part-${key}`;
    this.#find(".play").disabled = !track.has_audio;
    this.markSounding();
  }

  #makeSliders() {
    const { dimensions } = this.#query;
    const made = dimensions.map(({ name }) => name).join();
    if (made === this.#made) return;
    this.#made = made;
    this.#sliders = new Map(dimensions.map((dimension, place) => [dimension.name, this.#newSlider(dimension, place)]));
    this.#find(".sliders").replaceChildren(...[...this.#sliders.values()].map(({ element }) => element));
  }

  #newSlider({ name, description, hue, usual }, place) {
    const id = `weight-${this.#voice.key}-${place}`;
    const slider = new Slider("row-slider", { id, name, label: name, title: description, hue, usual }, (weight) =>
      this.#query.weigh(this.#voice, name, weight),
    );
    write(slider.element.querySelector(".note"), description);
    return slider;
  }

  /** The focus goes to the neighbour: an element that is gone cannot keep it. */
  #remove() {
    const neighbour = this.element.nextElementSibling ?? this.element.previousElementSibling;
    this.#query.remove(this.#voice);
    (neighbour?.querySelector(".remove") ?? byId("tag-text")).focus();
  }

  #openPart(open) {
    const fields = this.#find(".part-fields");
    const { part, track } = this.#voice;
    show(fields, open);
    this.#find(".part").setAttribute("aria-expanded", String(open));
    if (!open) return;
    fields.from.value = clock(part?.start_s ?? 0);
    fields.to.value = clock(part?.end_s ?? track.analysis?.duration_s ?? 0);
    this.#complain("");
    fields.from.focus();
  }

  #cut() {
    const fields = this.#find(".part-fields");
    const [start_s, end_s] = [seconds(fields.from.value), seconds(fields.to.value)];
    const length_s = this.#voice.track.analysis?.duration_s ?? Infinity;
    const trouble = troubleOf(start_s, end_s, length_s);
    this.#complain(trouble);
    if (!trouble) this.#query.cut(this.#voice, start_s === 0 && end_s >= Math.floor(length_s) ? null : { start_s, end_s: Math.min(end_s, length_s) });
  }

  #complain(trouble) {
    write(this.#find(".part-trouble"), trouble);
    for (const input of this.element.querySelectorAll(".part-fields input")) input.setAttribute("aria-invalid", String(Boolean(trouble)));
  }

  #takeWhole() {
    this.#query.cut(this.#voice, null);
    this.#openPart(false);
    this.#find(".part").focus();
  }
}

function troubleOf(start_s, end_s, length_s) {
  if (start_s === null || end_s === null) return "Write minutes and seconds, for example 1:30.";
  if (end_s <= start_s) return "It must end after its start.";
  return start_s >= length_s ? `It is only ${clock(length_s)} long.` : "";
}
