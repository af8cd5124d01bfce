// The tracks that the lasso, or a cluster, has selected: a list, a search with them, and playing them in turn.
// Emits "clear".

import { byId, show, write } from "../dom.js";
import { count, plural } from "../format.js";
import { MOST_REFERENCES } from "../search/query.js";
import { TrackList } from "./tracklist.js";

export class Selection extends EventTarget {
  #player;
  #list;
  #atlas = null;
  #indices = [];

  constructor(player) {
    super();
    this.#player = player;
    this.#list = new TrackList(byId("selection-list"), byId("selection-more"), player);
    byId("selection-clear").addEventListener("click", () => this.#clear());
    byId("selection-play").addEventListener("click", () => {
      this.#player.playParts(this.#sounding.map((track) => ({ track, segment: null })));
    });
  }

  show(atlas, indices) {
    this.#atlas = atlas;
    this.#indices = indices;
    show(byId("selection"), true);
    write(byId("selection-title"), indices.length ? `${plural(indices.length, "track")} selected` : "Nothing is inside that line");
    show(byId("selection-actions"), indices.length > 0);
    const taken = indices.slice(0, MOST_REFERENCES);
    byId("selection-search").href = `/#tracks=${taken.map((index) => atlas.track(index).id).join()}`;
    const capped = `A search takes ${MOST_REFERENCES} references: the first ${MOST_REFERENCES} of these ${count(indices.length)} are used.`;
    write(byId("selection-note"), indices.length > MOST_REFERENCES ? capped : "");
    byId("selection-play").disabled = !this.#sounding.length;
    this.#list.show(atlas, indices);
  }

  get #sounding() {
    return this.#indices.map((index) => this.#atlas.track(index)).filter((track) => track.has_audio);
  }

  #clear() {
    show(byId("selection"), false);
    this.dispatchEvent(new Event("clear"));
  }
}
