// The card of the track or clip that is compared with.

import { byId, show, write } from "./dom.js";
import { factsOf, makersOf, titleOf } from "./format.js";
import { showSounding } from "./player.js";

export class Reference {
  #player;
  #play = byId("reference-play");
  #track = null;

  constructor(player) {
    this.#player = player;
    this.#play.addEventListener("click", () => player.toggle(this.#track));
    player.addEventListener("change", () => this.#markSounding());
  }

  get track() {
    return this.#track;
  }

  /** Show a track or clip. */
  show(track) {
    this.#track = track;
    const isClip = "expires_at" in track;
    this.#write(isClip ? "Your clip" : "Reference", titleOf(track), describe(track));
    show(this.#play, track.has_audio);
    document.title = `${titleOf(track).slice(0, 80)} – Soundkin`;
    this.#markSounding();
    this.#bringIntoView();
  }

  /** Show how far a clip is, or why it cannot be used. */
  tell(name, note) {
    this.#track = null;
    show(this.#play, false);
    this.#write("Your clip", name, note);
    this.#bringIntoView();
  }

  /** On a narrow screen the card lies below the catalogue, where nobody would see it change. */
  #bringIntoView() {
    const card = byId("reference");
    if (card.getBoundingClientRect().top > innerHeight / 2) card.scrollIntoView();
  }

  #write(kind, title, note) {
    write(byId("reference-kind"), kind);
    write(byId("reference-title").firstElementChild, title);
    write(byId("reference-note"), note);
  }

  #markSounding() {
    if (!this.#track) return;
    const sounding = this.#player.isPlaying(this.#track.id);
    showSounding(this.#play, sounding, sounding ? "Pause the reference" : "Play the reference");
  }
}

function describe(track) {
  const warnings = track.analysis?.decode_warnings ?? [];
  return [makersOf(track), factsOf(track), track.metadata.licence, ...warnings].filter(Boolean).join(" · ");
}
