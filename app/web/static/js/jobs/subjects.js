// What jobs are about. A job knows an id only: the titles of tracks are asked for together and remembered.

import { titleOf } from "../format.js";

const MOST_AT_ONCE = 100;

export class Subjects {
  #api;
  #titles = new Map();

  constructor(api) {
    this.#api = api;
  }

  /** Learn the titles of all tracks that these jobs are about. */
  async learn(jobs) {
    const unknown = [...new Set(jobs.filter(isAboutTrack).map(({ subject }) => subject))].filter((id) => !this.#titles.has(id));
    for (let start = 0; start < unknown.length; start += MOST_AT_ONCE) await this.#ask(unknown.slice(start, start + MOST_AT_ONCE));
  }

  /** {title, address} of what a job is about; no address where there is nothing to see. */
  of(job) {
    if (job.kind === "map") return { title: "Map of the library", address: "/map" };
    if (job.kind === "embed_clip") return { title: "Search clip", address: null };
    const title = this.#titles.get(job.subject);
    return title === undefined ? { title: "A track that is gone", address: null } : { title, address: `/tracks/${job.subject}` };
  }

  async #ask(ids) {
    const filter = JSON.stringify({ field: "id", in: ids });
    const { items } = await this.#api.get(`/v1/tracks?${new URLSearchParams({ filter, limit: ids.length })}`).catch(() => ({ items: [] }));
    for (const track of items) this.#titles.set(track.id, titleOf(track));
  }
}

const isAboutTrack = ({ kind }) => kind === "embed_track" || kind === "reembed";
