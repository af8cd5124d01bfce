// How far a track is that is not ready, or why it never will be.

import { byId, show, write } from "../dom.js";

const IN_WORDS = { queued: "waits in the queue", running: "is being listened to", failed: "could not be taken in", cancelled: "was cancelled" };

export class Work {
  #api;
  #job = null;

  constructor(api, toasts) {
    this.#api = api;
    byId("work-retry").addEventListener("click", async () => {
      try {
        this.show(await api.post(`/v1/jobs/${this.#job.id}/retry`));
      } catch (error) {
        toasts.fail(error);
      }
    });
  }

  /** Look how the track stands. */
  async load(track) {
    if (track.state === "ready") return this.show(null);
    const { items } = await this.#api.get(`/v1/jobs?limit=1&subject=${track.id}`).catch(() => ({ items: [] }));
    return this.show(items[0] ?? null);
  }

  show(job) {
    this.#job = job;
    show(byId("work"), job !== null && job.state !== "done");
    if (job === null) return;
    const isRunning = job.state === "running";
    const isOver = job.state === "failed" || job.state === "cancelled";
    const more = isRunning ? (job.stage ?? "starting") : job.error?.message;
    byId("work").dataset.kind = isOver ? "bad" : "info";
    byId("work-state").dataset.state = job.state;
    write(byId("work-state"), job.state);
    write(byId("work-text"), `The track ${IN_WORDS[job.state] ?? ""}${more ? `: ${more}` : "."}`);
    byId("work-progress").value = job.progress;
    show(byId("work-progress"), isRunning);
    show(byId("work-retry"), isOver);
  }
}
