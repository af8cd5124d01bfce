// The clusters as a list, for those who do not see or use the picture. Emits "select" with a cluster.

import { byId, show, stamp, write } from "../dom.js";
import { plural } from "../format.js";
import { TrackList } from "./tracklist.js";

export class Clusters extends EventTarget {
  #player;

  constructor(player) {
    super();
    this.#player = player;
  }

  show(atlas, clusters, groups) {
    show(byId("clusters"), clusters.length > 0);
    byId("cluster-list").replaceChildren(...clusters.map((cluster, place) => this.#row(atlas, cluster, groups[place])));
  }

  #row(atlas, cluster, { colour, shape }) {
    const row = stamp("row-cluster");
    const mark = row.querySelector(".mark-of");
    mark.style.color = colour;
    mark.dataset.shape = shape;
    write(row.querySelector("summary bdi"), cluster.name);
    write(row.querySelector("summary .note"), plural(cluster.tracks, "track"));
    row.querySelector(".select").addEventListener("click", () => this.dispatchEvent(new CustomEvent("select", { detail: cluster })));
    row.querySelector("details").addEventListener("toggle", () => this.#fill(row, atlas, cluster), { once: true });
    return row;
  }

  /** The tracks are listed once somebody wants to see them: there may be thousands. */
  #fill(row, atlas, cluster) {
    new TrackList(row.querySelector(".points"), row.querySelector(".more"), this.#player).show(atlas, atlas.of(cluster));
  }
}
