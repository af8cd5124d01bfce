// The map that is open: which one, how it stands, and its drawing. Emits "map" with the map as it now is, "maps" with
// all that were asked for, "drawing" with the job, and "trouble" with {error, isMissing}.

import { Unreachable } from "../api.js";

const LOOK_MS = 1500;

const isOver = ({ state }) => state === "done" || state === "failed" || state === "cancelled";

export class Chart extends EventTarget {
  #api;
  #choice = { encoder: null, weights: null };
  #map = null;
  #job = null;
  #opened = 0;

  constructor(api) {
    super();
    this.#api = api;
  }

  /** {encoder, weights}: what the open map is drawn by, null for the usual. */
  get choice() {
    return this.#choice;
  }

  get map() {
    return this.#map;
  }

  /** Open a map that may have been drawn. */
  async open(choice) {
    const opening = ++this.#opened;
    this.#choice = choice;
    try {
      const [map, { items }] = await Promise.all([this.#api.get(`/v1/map?${queryOf(choice)}`), this.#api.get("/v1/maps")]);
      if (opening !== this.#opened) return;
      this.#take(map);
      this.#emit("maps", items);
    } catch (error) {
      if (opening === this.#opened) await this.#missed(error);
    }
  }

  async #missed(error) {
    if (error instanceof Unreachable) return;
    if (error.status !== 404) return this.#emit("trouble", { error, isMissing: false });
    const { items } = await this.#api.get("/v1/maps").catch(() => ({ items: [] }));
    this.#emit("maps", items);
    const usual = this.#choice.encoder === null && this.#choice.weights === null;
    const drawn = items.find(({ drawn_at: drawnAt }) => drawnAt);
    if (usual && drawn) return this.open({ encoder: drawn.encoder, weights: drawn.weights });
    return this.#emit("trouble", { error, isMissing: true });
  }

  /** Have a map drawn, anew if it was drawn before. */
  async draw(choice) {
    const opening = ++this.#opened;
    this.#choice = choice;
    const { job } = await this.#api.post("/v1/map", choice);
    if (opening !== this.#opened) return;
    this.#follow(job);
    await this.open(choice);
  }

  /** The service says that a job has moved. */
  heard(job) {
    if (this.#job && job?.id === this.#job.id) this.#follow(job);
  }

  #take(map) {
    this.#map = map;
    this.#emit("map", map);
    if (map.state === "drawing" && map.job) this.#follow(map.job);
  }

  #follow(job) {
    const isNew = this.#job?.id !== job.id;
    this.#job = job;
    this.#emit("drawing", job);
    if (isOver(job)) {
      this.#job = null;
      if (!isNew || job.state === "done") this.open(this.#choice);
    } else if (isNew) this.#look(job.id);
  }

  /** Look at the job now and then, whether or not the service tells of it. */
  #look(id) {
    setTimeout(async () => {
      if (this.#job?.id !== id) return;
      const job = await this.#api.get(`/v1/jobs/${id}`).catch(() => null);
      if (this.#job?.id !== id) return;
      if (job) this.#follow(job);
      if (this.#job?.id === id) this.#look(id);
    }, LOOK_MS);
  }

  #emit(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}

/** A choice as the query of an address, here and in the API. */
export function queryOf({ encoder, weights }) {
  const query = new URLSearchParams();
  if (encoder) query.set("encoder", encoder);
  if (weights) query.set("weights", JSON.stringify(weights));
  return query;
}
