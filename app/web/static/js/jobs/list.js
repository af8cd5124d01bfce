// The list of jobs, newest first: a page at a time, changed in place as the service tells of them.

import { arrange, byId, oncePerFrame, show, write } from "../dom.js";
import { count, plural } from "../format.js";
import { firstOf } from "../listing.js";
import { actionOf, fillRow, newRow } from "./row.js";

const PAGE = 50;
const MOST_KEPT = 400;
const EMPTY = {
  "": ["Nothing has been done yet", "Add music to the library, and its jobs show up here."],
  queued: ["Nothing waits", "Every job has found a worker."],
  running: ["Nothing is running", "The workers are idle."],
  failed: ["Nothing has failed", "What cannot be read, and why, would stand here."],
  done: ["Nothing is done yet", "Jobs that ended well stand here."],
  cancelled: ["Nothing was cancelled", "Jobs that somebody stopped stand here."],
};

export class JobList {
  #api;
  #subjects;
  #toasts;
  #list = byId("job-list");
  #form = byId("jobs-form");
  #jobs = [];
  #wanted = PAGE;
  #hasMore = false;
  #asked = 0;
  #drawSoon = oncePerFrame(() => this.#draw());

  constructor(api, subjects, toasts) {
    this.#api = api;
    this.#subjects = subjects;
    this.#toasts = toasts;
    this.#form.elements.state.value = new URLSearchParams(location.search).get("state") ?? "";
    this.#form.addEventListener("change", () => this.#changeState());
    byId("jobs-more").addEventListener("click", () => this.#load(this.#jobs.length + PAGE));
    byId("jobs-again").addEventListener("click", () => this.reload());
  }

  /** "" for all. */
  get state() {
    return this.#form.elements.state.value;
  }

  /** Load anew, as many as are shown. */
  reload() {
    return this.#load(Math.max(this.#wanted, this.#jobs.length));
  }

  /** Take a job as it stands now: it may be new, or no longer be in the state that is shown. */
  async take(job) {
    await this.#subjects.learn([job]);
    const place = this.#jobs.findIndex(({ id }) => id === job.id);
    const belongs = !this.state || job.state === this.state;
    if (place >= 0 && belongs) this.#jobs[place] = job;
    else if (place >= 0) this.#jobs.splice(place, 1);
    else if (belongs && this.#isAmongShown(job)) this.#jobs = [...this.#jobs, job].toSorted(newestFirst);
    this.#forget();
    this.#drawSoon();
  }

  /** Leave the oldest out where more have come than a page that stays open should keep; they can be asked for again. */
  #forget() {
    if (this.#jobs.splice(Math.max(MOST_KEPT, this.#wanted)).length) this.#hasMore = true;
  }

  /** Whether its place is not on a page further down. */
  #isAmongShown(job) {
    return !this.#hasMore || job.id > (this.#jobs.at(-1)?.id ?? "");
  }

  #changeState() {
    history.replaceState(null, "", this.state ? `?state=${this.state}` : location.pathname);
    this.#load(PAGE);
  }

  /** Show the newest so many. */
  async #load(wanted) {
    const asked = ++this.#asked;
    this.#wanted = wanted;
    try {
      const { items, hasMore } = await firstOf(this.#api, "/v1/jobs", this.state ? { state: this.state } : {}, wanted);
      await this.#subjects.learn(items);
      if (asked !== this.#asked) return;
      this.#jobs = items;
      this.#hasMore = hasMore;
      this.#fail(null);
      this.#draw();
    } catch (error) {
      if (asked === this.#asked) this.#fail(error);
    }
  }

  #fail(error) {
    show(byId("jobs-loading"), false);
    write(byId("jobs-reason"), error?.message);
    show(byId("jobs-trouble"), error !== null);
    if (error) write(byId("jobs-note"), "");
  }

  #draw() {
    const rows = new Map([...this.#list.children].map((row) => [row.dataset.id, row]));
    const wanted = this.#jobs.map((job) => {
      const row = rows.get(job.id) ?? newRow((each) => this.#act(each));
      fillRow(row, job, this.#subjects.of(job));
      return row;
    });
    arrange(this.#list, wanted);
    const [title, text] = EMPTY[this.state] ?? EMPTY[""];
    write(byId("jobs-empty-title"), title);
    write(byId("jobs-empty-text"), text);
    show(byId("jobs-empty"), !wanted.length);
    show(byId("jobs-more"), this.#hasMore);
    write(byId("jobs-note"), wanted.length ? this.#inWords(wanted.length) : "");
  }

  #inWords(shown) {
    return this.#hasMore ? `The newest ${count(shown)} are shown` : plural(shown, "job");
  }

  async #act(job) {
    try {
      await this.take(await this.#api.post(actionOf(job).path));
    } catch (error) {
      this.#toasts.fail(error);
    }
  }
}

/** Ids begin with the time. */
const newestFirst = (one, other) => (one.id < other.id ? 1 : -1);
