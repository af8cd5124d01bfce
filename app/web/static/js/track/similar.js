// The few tracks that are most like this one, by all spaces of the default encoder.

import { byId, show, stamp, write } from "../dom.js";
import { factsOf, makersOf, similarity, titleOf } from "../format.js";
import { showSounding } from "../player.js";

const SHOWN = 5;

export class Similar {
  #api;
  #player;
  #list = byId("similar-list");

  constructor(api, player) {
    this.#api = api;
    this.#player = player;
    player.addEventListener("change", () => this.#markSounding());
  }

  async load(track) {
    show(byId("similar"), true);
    byId("similar-all").href = `/#track=${track.id}`;
    try {
      const answer = await this.#api.post("/v1/search", { terms: [{ track: track.id }], k: SHOWN });
      this.#list.replaceChildren(...answer.matches.map((match) => this.#row(match)));
      write(byId("similar-note"), answer.matches.length ? "" : answer.empty_because || "Nothing was found.");
    } catch (error) {
      write(byId("similar-note"), error.message);
    }
    show(byId("similar-note"), Boolean(byId("similar-note").textContent));
    this.#markSounding();
  }

  #row({ track, segment, similarity: alike }) {
    const row = stamp("row-similar");
    row.track = track;
    row.querySelector(".play").disabled = !track.has_audio;
    row.querySelector(".play").addEventListener("click", () => this.#player.toggle(track, segment));
    row.querySelector(".pick").href = `/tracks/${track.id}`;
    write(row.querySelector(".title"), titleOf(track));
    write(row.querySelector(".by"), makersOf(track));
    write(row.querySelector(".facts"), factsOf(track));
    write(row.querySelector(".amount"), similarity(alike));
    return row;
  }

  #markSounding() {
    for (const row of this.#list.children) {
      const sounding = this.#player.isPlaying(row.track.id);
      showSounding(row.querySelector(".play"), sounding, `${sounding ? "Pause" : "Play"} ${titleOf(row.track).slice(0, 80)}`);
    }
  }
}
