// The track that was clicked on the map.

import { byId, show, write } from "../dom.js";
import { factsOf, makersOf, titleOf } from "../format.js";
import { showSounding } from "../player.js";

export class TrackCard {
  #api;
  #player;
  #track = null;
  #asked = 0;

  constructor(api, player) {
    this.#api = api;
    this.#player = player;
    byId("track-card-play").addEventListener("click", () => player.toggle(this.#track));
    player.addEventListener("change", () => this.#markSounding());
  }

  /** Show a track as far as the map knows it, and the rest once it is there. */
  async show(track, tags) {
    const asking = ++this.#asked;
    this.#draw(track, tags);
    try {
      const whole = await this.#api.get(`/v1/tracks/${track.id}`);
      if (asking === this.#asked) this.#draw(whole, tags);
    } catch (error) {
      if (asking === this.#asked) write(byId("track-card-note"), error.message);
    }
  }

  #draw(track, tags) {
    this.#track = track;
    write(byId("track-card-title"), titleOf(track));
    write(byId("track-card-note"), [makersOf(track), factsOf(track)].filter(Boolean).join(" · "));
    byId("track-card-tags").replaceChildren(...(tags ?? []).map(tagOf));
    byId("track-card-similar").href = `/#track=${track.id}`;
    byId("track-card-open").href = `/tracks/${track.id}`;
    byId("track-card-play").disabled = !track.has_audio;
    show(byId("track-card"), true);
    this.#markSounding();
  }

  #markSounding() {
    if (!this.#track) return;
    const sounding = this.#player.isPlaying(this.#track.id);
    showSounding(byId("track-card-play"), sounding, `${sounding ? "Pause" : "Play"} ${titleOf(this.#track).slice(0, 80)}`);
  }
}

function tagOf(name) {
  const tag = document.createElement("li");
  tag.className = "tag";
  write(tag, name);
  return tag;
}
