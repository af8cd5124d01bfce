// One of the two columns: what is measured of its encoder, and what it finds. Emits "point" with the id of the track
// that the pointer or the focus is on, or null.

import { barsOf, fillBars, scaleOf } from "../bars.js";
import { byId, show, stamp, write } from "../dom.js";
import { count, makersOf, percent, plural, similarity, titleOf } from "../format.js";
import { showSounding } from "../player.js";
import { elsewhereInWords } from "./overlap.js";

const HUES = 8;

export class Side extends EventTarget {
  #root;
  #player;
  #view = null;

  constructor(id, player) {
    super();
    this.#root = byId(id);
    this.#player = player;
    player.addEventListener("change", () => this.#rows.forEach((row) => this.#markSounding(row)));
    for (const name of ["mouseover", "focusin"]) this.#root.addEventListener(name, ({ target }) => this.#point(target.closest(".rank")?.dataset.id ?? null));
    for (const name of ["mouseleave", "focusout"]) this.#root.addEventListener(name, () => this.#point(null));
  }

  /** Say what is measured of a view's encoder. */
  describe(view) {
    this.#view = view;
    const { encoder, label, weights } = view;
    write(byId(`${this.#root.id}-title`), label);
    const tags = Object.values(encoder.tags).reduce((sum, names) => sum + names.length, 0);
    const width = encoder.spaces.reduce((sum, { dimension }) => sum + dimension, 0);
    write(this.#find(".facts"), [plural(encoder.spaces.length, "dimension"), `${count(width)} numbers a track`, tags ? plural(tags, "tag") : "no tags", `version ${encoder.version}`].join(" · "));
    write(this.#find(".embedded"), `${plural(encoder.embedded, "track")} embedded, ${percent(encoder.embedded_share)}`);
    this.#find(".spaces").replaceChildren(...encoder.spaces.map((space, place) => spaceOf(space, place, weights)));
  }

  /**
   * Show an answer.
   * @param other ranks in the other answer, by id; `looked` is how far they reach
   */
  show(answer, k, other, looked) {
    const shown = answer.matches.slice(0, k);
    const [spaces, scale] = [barsOf(answer.query), scaleOf(shown)];
    this.#find(".ranks").replaceChildren(...shown.map((match, place) => this.#rowOf(match, place + 1, spaces, scale)));
    this.#rows.forEach((row, place) => {
      const there = other.get(row.dataset.id);
      row.classList.toggle("shared", there <= k);
      write(row.querySelector(".elsewhere"), elsewhereInWords(place + 1, there, k, looked));
    });
    this.#say(shown.length ? "" : answer.empty_because || "Nothing was found.");
  }

  /** Say why there is no answer. */
  fail(message) {
    this.#find(".ranks").replaceChildren();
    this.#say(message);
  }

  /** Mark the track that is pointed at here or on the other side. */
  light(id) {
    for (const row of this.#rows) row.classList.toggle("lit", row.dataset.id === id);
  }

  get #rows() {
    return [...this.#find(".ranks").children];
  }

  #find(selector) {
    return this.#root.querySelector(selector);
  }

  #point(id) {
    this.dispatchEvent(new CustomEvent("point", { detail: id }));
  }

  #say(trouble) {
    write(this.#find(".trouble"), trouble);
    show(this.#find(".trouble"), Boolean(trouble));
  }

  #rowOf(match, rank, spaces, scale) {
    const { track, segment } = match;
    const row = stamp("row-rank");
    row.dataset.id = track.id;
    row.track = track;
    write(row.querySelector(".place"), rank);
    write(row.querySelector(".title"), titleOf(track));
    write(row.querySelector(".by"), makersOf(track));
    write(row.querySelector(".similarity"), similarity(match.similarity));
    row.querySelector(".who").href = `/tracks/${track.id}`;
    row.querySelector(".play").disabled = !track.has_audio;
    row.querySelector(".play").addEventListener("click", () => this.#player.toggle(track, segment));
    fillBars(row.querySelector(".bars"), match.by_space, spaces, scale, (name) => this.#hueOf(name));
    this.#markSounding(row);
    return row;
  }

  #hueOf(name) {
    return String(this.#view.encoder.spaces.findIndex((space) => space.name === name) % HUES);
  }

  #markSounding(row) {
    const sounding = this.#player.isPlaying(row.track.id);
    showSounding(row.querySelector(".play"), sounding, `${sounding ? "Pause" : "Play"} ${titleOf(row.track).slice(0, 80)}`);
  }
}

function spaceOf({ name, dimension, description }, place, weights) {
  const item = stamp("row-space");
  item.dataset.hue = String(place % HUES);
  item.title = description;
  item.classList.toggle("off", weights !== null && !weights[name]);
  write(item.querySelector(".name"), name);
  write(item.querySelector(".note"), dimension);
  return item;
}
