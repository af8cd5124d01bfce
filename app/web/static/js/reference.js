// What is compared with, at the top of the page: its name, and in a sentence what is searched.

import { byId, show, write } from "./dom.js";
import { factsOf, makersOf, titleOf } from "./format.js";
import { showSounding } from "./player.js";
import { isClip } from "./search/query.js";
import { isTelling, sentenceOf } from "./search/sentence.js";

const WELCOME = {
  kind: "",
  titles: ["Find music that sounds alike"],
  note: "Pick a track from the catalogue, or drop a clip. Then say what matters: each dimension has a slider, and the nearest tracks follow as you move it.",
};

export class Reference {
  #player;
  #query;
  #play = byId("reference-play");

  constructor(player, query) {
    this.#player = player;
    this.#query = query;
    this.#play.addEventListener("click", () => player.toggle(this.#only.track, this.#only.part));
    player.addEventListener("change", () => this.#markSounding());
    query.addEventListener("weights", () => this.#drawSentence());
  }

  /** Draw what the query compares with. */
  draw() {
    const { kind, titles, note } = this.#query.isEmpty ? WELCOME : this.#inWords();
    this.#write(kind, titles, note);
    show(this.#play, Boolean(this.#only?.track.has_audio));
    document.title = this.#query.isEmpty ? "Soundkin" : `${titles.join(" + ").slice(0, 80)} – Soundkin`;
    byId("tag-text").placeholder = this.#query.isEmpty ? "Or begin with a tag, e.g. piano" : "Add a tag, e.g. piano";
    this.#drawLinks();
    this.#drawSentence();
    this.#markSounding();
  }

  /** Show how far a clip is, or why it cannot be used. */
  tell(name, note) {
    show(this.#play, false);
    show(byId("reference-links"), false);
    show(byId("sentence"), false);
    this.#write("Your clip", [name], note);
    this.bringIntoView();
  }

  /** On a narrow screen the card lies below the catalogue, where nobody would see it change. */
  bringIntoView() {
    const card = byId("reference");
    if (card.getBoundingClientRect().top > innerHeight / 2) card.scrollIntoView();
  }

  /** The reference that is alone, if it is. */
  get #only() {
    return this.#query.voices.length === 1 ? this.#query.voices[0] : undefined;
  }

  #inWords() {
    const { voices, tags } = this.#query;
    const titles = voices.length ? voices.map(({ track }) => titleOf(track)) : tags.map(({ tag }) => tag);
    return { kind: kindOf(this.#query), titles, note: this.#only ? describe(this.#only.track) : "" };
  }

  /** Where else a track of the catalogue can be looked at. */
  #drawLinks() {
    const track = this.#only?.track;
    const shown = Boolean(track) && !isClip(track);
    show(byId("reference-links"), shown);
    if (!shown) return;
    byId("reference-page").href = `/tracks/${track.id}`;
    byId("reference-map").href = `/map#track=${track.id}`;
    byId("reference-compare").href = `/encoders#track=${track.id}`;
  }

  #drawSentence() {
    const sentence = byId("sentence");
    show(sentence, !this.#query.isEmpty && isTelling(this.#query));
    const parts = sentence.hidden ? [] : sentenceOf(this.#query);
    // Said again only where it says something else: a slider on its way changes no word.
    if (sentence.textContent !== parts.map((part) => part.title ?? part).join("")) sentence.replaceChildren(...parts.map(partOf));
  }

  #write(kind, titles, note) {
    write(byId("reference-kind"), kind);
    byId("reference-title").replaceChildren(...titles.flatMap((title, place) => (place ? [" + ", isolated(title)] : [isolated(title)])));
    write(byId("reference-note"), note);
  }

  #markSounding() {
    if (!this.#only) return;
    const sounding = this.#player.isPlaying(this.#only.track.id);
    showSounding(this.#play, sounding, sounding ? "Pause the reference" : "Play the reference");
  }
}

function kindOf({ voices, tags }) {
  if (!voices.length) return tags.length === 1 ? "A tag" : `${tags.length} tags`;
  if (voices.length > 1) return `${voices.length} references`;
  return isClip(voices[0].track) ? "Your clip" : "Reference";
}

function partOf(part) {
  if (typeof part === "string") return part;
  const cite = document.createElement("cite");
  cite.append(isolated(part.title));
  return cite;
}

/** A title whose direction of writing is its own affair. */
function isolated(title) {
  const element = document.createElement("bdi");
  write(element, title);
  return element;
}

function describe(track) {
  const warnings = track.analysis?.decode_warnings ?? [];
  return [makersOf(track), factsOf(track), track.metadata.licence, ...warnings].filter(Boolean).join(" · ");
}
