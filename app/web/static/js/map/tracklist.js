// Tracks of the map as a list: to be heard, and to search from. Long ones are shown in parts.

import { show, stamp, write } from "../dom.js";
import { plural, titleOf } from "../format.js";
import { showSounding } from "../player.js";

const PART = 50;

export class TrackList {
  #list;
  #more;
  #atlas = null;
  #indices = [];
  #player;

  constructor(list, more, player) {
    this.#list = list;
    this.#more = more;
    this.#player = player;
    more.addEventListener("click", () => this.#extend());
    player.addEventListener("change", () => this.#markSounding());
  }

  show(atlas, indices) {
    this.#atlas = atlas;
    this.#indices = indices;
    this.#list.replaceChildren();
    this.#extend();
  }

  #extend() {
    const shown = this.#list.children.length;
    this.#list.append(...this.#indices.slice(shown, shown + PART).map((index) => this.#row(index)));
    const left = this.#indices.length - this.#list.children.length;
    write(this.#more, `${plural(left, "more track")}`);
    show(this.#more, left > 0);
    this.#markSounding();
  }

  #row(index) {
    const row = stamp("row-point");
    row.track = this.#atlas.track(index);
    write(row.querySelector(".title"), titleOf(row.track));
    write(row.querySelector(".by"), row.track.metadata.artist);
    row.querySelector(".pick").href = `/#track=${row.track.id}`;
    row.querySelector(".play").disabled = !row.track.has_audio;
    row.querySelector(".play").addEventListener("click", () => this.#player.toggle(row.track));
    return row;
  }

  #markSounding() {
    for (const row of this.#list.children) {
      const sounding = this.#player.isPlaying(row.track.id);
      showSounding(row.querySelector(".play"), sounding, `${sounding ? "Pause" : "Play"} ${titleOf(row.track).slice(0, 80)}`);
    }
  }
}
