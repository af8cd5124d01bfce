// Which part of a match is closest, and which of the reference it resembles: to read, and to hear one after the other.

import { show, stamp, write } from "../dom.js";
import { clock, plural, similarity, titleOf } from "../format.js";

const MOST_SECTIONS = 12;
const NEARLY = 0.8;

const span = ({ start_s, end_s }) => `${clock(start_s)}–${clock(end_s)}`;

export class Parts {
  #root;
  #api;
  #player;
  #query;
  #search;
  #match = null;
  #asked = 0;

  constructor(root, { api, player, query, search }) {
    this.#root = root;
    this.#api = api;
    this.#player = player;
    this.#query = query;
    this.#search = search;
    this.#find(".play-both").addEventListener("click", () => player.playParts([this.#ofReference, this.#ofMatch]));
    this.#find(".play-part").addEventListener("click", () => player.playParts([this.#ofMatch]));
    this.#find(".sections").addEventListener("click", () => this.#findSections());
  }

  show(match) {
    const { segment, track } = match;
    this.#match = match;
    this.#asked += 1;
    show(this.#root, segment !== null);
    if (!segment) return;
    write(this.#find(".part-words"), this.#inWords());
    show(this.#find(".play-both"), Boolean(this.#ofReference?.track.has_audio) && track.has_audio);
    show(this.#find(".play-part"), track.has_audio);
    show(this.#find(".sections"), true);
    write(this.#find(".sections-note"), "");
    this.#drawTimeline([segment]);
  }

  #find(selector) {
    return this.#root.querySelector(selector);
  }

  get #ofMatch() {
    return { track: this.#match.track, segment: this.#match.segment };
  }

  /** The part of the reference that resembles the match's best; undefined where the service names none. */
  get #ofReference() {
    const part = this.#match.segment.reference;
    const voice = part && this.#query.voices.find(({ track }) => track.id === part.id);
    return voice && { track: voice.track, segment: part };
  }

  #inWords() {
    const { segment } = this.#match;
    const closest = `${span(segment)} of this track`;
    if (!this.#ofReference) return `${closest} is the closest part: ${similarity(segment.similarity)}.`;
    const { track, segment: part } = this.#ofReference;
    // Isolated, so that a title written from right to left turns nothing but itself.
    const of = this.#query.voices.length > 1 ? `“\u2068${titleOf(track).slice(0, 60)}\u2069”` : "the reference";
    return `${closest} sounds like ${span(part)} of ${of}: ${similarity(segment.similarity)}.`;
  }

  async #findSections() {
    const asked = ++this.#asked;
    const { segment, track } = this.#match;
    const note = this.#find(".sections-note");
    const { encoder, terms } = this.#search.body;
    write(note, "Looking…");
    try {
      const body = { encoder, terms, track: track.id, min_similarity: Math.max(-1, NEARLY * segment.similarity), k: MOST_SECTIONS };
      const { sections } = await this.#api.post("/v1/search/sections", body);
      if (asked !== this.#asked) return;
      this.#drawTimeline(sections.length ? sections : [segment]);
      write(note, sections.length ? `${plural(sections.length, "part")} of it nearly as close, the closest first.` : "No other part is nearly as close.");
      // The button goes, and the focus with it to what it has brought.
      if (document.activeElement === this.#find(".sections")) this.#find(".timeline button").focus();
      show(this.#find(".sections"), false);
    } catch (error) {
      if (asked === this.#asked) write(note, error.message);
    }
  }

  /** A bar as long as the track, with its parts to press; the first is the closest. */
  #drawTimeline(sections) {
    const { track } = this.#match;
    const length_s = track.analysis?.duration_s ?? Math.max(...sections.map(({ end_s }) => end_s));
    write(this.#find(".timeline-end"), clock(length_s));
    this.#find(".timeline").replaceChildren(...sections.map((section, place) => this.#sectionOf(section, place, length_s)));
  }

  #sectionOf(section, place, length_s) {
    const item = stamp("row-section");
    const button = item.querySelector("button");
    const words = `${span(section)}, similarity ${similarity(section.similarity)}`;
    item.style.left = `${(100 * section.start_s) / length_s}%`;
    item.style.width = `${(100 * (Math.min(section.end_s, length_s) - section.start_s)) / length_s}%`;
    item.classList.toggle("best", place === 0);
    button.title = words;
    button.disabled = !this.#match.track.has_audio;
    button.setAttribute("aria-label", `Play ${words}`);
    button.addEventListener("click", () => this.#player.playParts([{ track: this.#match.track, segment: section }]));
    return item;
  }
}
