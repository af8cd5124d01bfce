// Uploads into the catalogue: a few at a time, each followed from its first byte until it can be found.

import { Unreachable } from "./api.js";
import { arrange, byId, oncePerFrame, show, stamp, write } from "./dom.js";
import { count, percent, plural } from "./format.js";

const SLOTS = 3;
const SHOWN_DONE = 6;
const SHOWN_WAITING = 4;
const SHOWN_FAILED = 100;
const LOOKED_AT = 8;
const BROKEN_PAUSE_MS = 1500;
const MOST_BREAKS = 5;

/** One file on its way. Its states: waiting, sending, working, done, failed. */
class Upload {
  state = "waiting";
  share = 0;
  note = "waiting";
  reason = "";
  breaks = 0;
  track = null;
  job = null;

  constructor(file) {
    this.file = file;
  }

  get isOver() {
    return this.state === "done" || this.state === "failed";
  }

  /** Share of the whole way, half of it sending. */
  get way() {
    if (this.isOver) return 1;
    return this.state === "working" ? 0.5 + this.share / 2 : this.share / 2;
  }

  set(state, note, share = 0) {
    Object.assign(this, { state, note, share, reason: "" });
  }

  fail(reason) {
    this.set("failed", "failed");
    this.reason = reason;
  }

  /** Take what the service says of its job; `null` is a track that was there and needs none. */
  follow(job) {
    this.job = job;
    if (job === null || job.state === "done") this.set("done", this.isNew ? "added" : "already there");
    else if (job.state === "failed") this.fail(job.error?.message ?? "The job failed.");
    else if (job.state === "cancelled") this.fail("Cancelled.");
    else if (job.state === "running") this.set("working", `${job.stage ?? "starting"} ${percent(job.progress)}`, job.progress);
    else this.set("working", "in the queue");
  }
}

/** Emits "choose" with a track that somebody wants as the reference, and "change" when the catalogue has one more. */
export class Uploads extends EventTarget {
  #api;
  #connection;
  #uploads = [];
  #rows = new Map();
  #sending = 0;
  #isLooking = false;
  #pausedUntil = 0;
  #draw = oncePerFrame(() => {
    this.#drawSummary();
    this.#drawRows();
  });

  constructor(api, connection) {
    super();
    this.#api = api;
    this.#connection = connection;
    connection.addEventListener("back", () => this.#pump());
    byId("uploads-retry").addEventListener("click", () => this.#retryAll());
    byId("uploads-clear").addEventListener("click", () => this.#clear());
    addEventListener("beforeunload", (event) => {
      if (this.#uploads.some((upload) => upload.state === "waiting" || upload.state === "sending")) event.preventDefault();
    });
  }

  add(files) {
    this.#uploads.push(...files.map((file) => new Upload(file)));
    this.#pump();
  }

  /** The service says that something changed; `null` when it may have been anything. */
  heard(change) {
    if (change === null) this.#look(this.#uploads.filter((upload) => upload.state === "working").slice(0, LOOKED_AT));
    else if (change.job) for (const upload of this.#uploads) if (upload.job?.id === change.job.id) this.#follow(upload, change.job);
  }

  #pump() {
    this.#draw();
    if (this.#connection.isLost || Date.now() < this.#pausedUntil) return;
    const waiting = this.#uploads.filter((upload) => upload.state === "waiting");
    for (const upload of waiting.slice(0, SLOTS - this.#sending)) this.#send(upload);
  }

  #pause(milliseconds) {
    this.#pausedUntil = Date.now() + milliseconds;
    setTimeout(() => this.#pump(), milliseconds + 1);
  }

  async #send(upload) {
    this.#sending += 1;
    upload.set("sending", "sending");
    try {
      const answer = await this.#api.upload("/v1/tracks", upload.file, {
        onProgress: (share) => {
          upload.set("sending", share < 1 ? percent(share) : "checking", share);
          this.#draw();
        },
      });
      upload.track = answer.track;
      upload.isNew = answer.created;
      this.#follow(upload, answer.track.state === "ready" ? null : answer.job);
    } catch (error) {
      this.#stumble(upload, error);
    }
    this.#sending -= 1;
    this.#pump();
  }

  #stumble(upload, error) {
    if (error.passing) {
      const pause_s = error.retryAfter_s ?? 5;
      upload.set("waiting", `busy, again in ${Math.ceil(pause_s)} s`);
      this.#pause(1000 * pause_s);
    } else if (error instanceof Unreachable && (this.#connection.isLost || ++upload.breaks < MOST_BREAKS)) {
      upload.set("waiting", "waiting for the service");
      this.#pause(BROKEN_PAUSE_MS);
    } else {
      upload.fail(error instanceof Unreachable ? "The upload broke off. Was the file changed or moved?" : error.message);
    }
  }

  #follow(upload, job) {
    const before = upload.state;
    upload.follow(job);
    if (upload.state !== before) this.dispatchEvent(new Event("change"));
    this.#draw();
  }

  /** Ask how the jobs stand, one after the other. */
  async #look(uploads) {
    if (this.#isLooking) return;
    this.#isLooking = true;
    for (const upload of uploads) {
      try {
        this.#follow(upload, await this.#api.get(`/v1/jobs/${upload.job.id}`));
      } catch (error) {
        if (error.status !== 404) continue;
        upload.fail("The track was removed meanwhile.");
        this.#draw();
      }
    }
    this.#isLooking = false;
  }

  async #retry(upload) {
    if (!upload.job) {
      upload.breaks = 0;
      upload.set("waiting", "waiting");
    } else {
      await this.#retryJob(upload);
    }
    this.#pump();
  }

  async #retryJob(upload) {
    upload.set("working", "in the queue");
    this.#draw();
    try {
      this.#follow(upload, await this.#api.post(`/v1/jobs/${upload.job.id}/retry`));
    } catch (error) {
      // A conflict is with somebody who was faster: how the job stands is looked at like any other.
      if (error.status !== 409) upload.fail(error.message);
    }
  }

  #retryAll() {
    for (const upload of this.#uploads) if (upload.state === "failed") this.#retry(upload);
  }

  #clear() {
    this.#uploads = this.#uploads.filter((upload) => !upload.isOver);
    this.#draw();
  }

  #drawSummary() {
    const all = this.#uploads;
    const [done, failed] = ["done", "failed"].map((state) => all.filter((upload) => upload.state === state).length);
    show(byId("uploads"), all.length > 0);
    show(byId("uploads-retry"), failed > 0);
    show(byId("uploads-clear"), done + failed > 0);
    const busy = done + failed < all.length;
    show(byId("uploads-progress"), busy && all.length > 1);
    byId("uploads-progress").value = all.reduce((sum, upload) => sum + upload.way, 0) / Math.max(all.length, 1);
    const parts = [`${count(done)} of ${plural(all.length, "file")} in the catalogue`];
    if (failed) parts.push(`${count(failed)} failed`);
    write(byId("uploads-summary"), parts.join(", "));
  }

  #drawRows() {
    const shown = this.#shown();
    this.#rows = new Map(shown.map((upload) => [upload, this.#filled(this.#rows.get(upload) ?? this.#newRow(upload), upload)]));
    arrange(byId("upload-list"), [...this.#rows.values()]);
  }

  /** What is under way and what failed, the next few, and the last few that are done: never thousands of rows. */
  #shown() {
    const of = (...states) => this.#uploads.filter((upload) => states.includes(upload.state));
    return [
      ...of("failed").slice(-SHOWN_FAILED),
      ...of("sending", "working").slice(0, SHOWN_DONE + SLOTS),
      ...of("waiting").slice(0, SHOWN_WAITING),
      ...of("done").slice(-SHOWN_DONE).reverse(),
    ];
  }

  #newRow(upload) {
    const row = stamp("row-upload");
    write(row.querySelector(".title"), upload.file.name);
    row.querySelector("progress").setAttribute("aria-label", upload.file.name.slice(0, 80));
    row.querySelector(".act").addEventListener("click", () => {
      if (upload.state === "failed") this.#retry(upload);
      else if (upload.state === "done") this.dispatchEvent(new CustomEvent("choose", { detail: upload.track }));
    });
    return row;
  }

  #filled(row, upload) {
    row.classList.toggle("good", upload.state === "done");
    row.classList.toggle("bad", upload.state === "failed");
    row.querySelector("progress").value = upload.way;
    write(row.querySelector(".state"), upload.note);
    write(row.querySelector(".reason"), upload.reason);
    show(row.querySelector(".reason"), Boolean(upload.reason));
    write(row.querySelector(".act"), upload.state === "failed" ? "Retry" : "Find similar");
    show(row.querySelector(".act"), upload.isOver);
    return row;
  }
}
