// The list of jobs, newest first: a page at a time, changed in place as the service tells of them.

import { byId, show, write } from "../dom.js";
import { count, plural } from "../format.js";
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
  #cursor = null;
  #asked = 0;

  constructor(api, subjects, toasts) {
    this.#api = api;
    this.#subjects = subjects;
    this.#toasts = toasts;
    this.#form.elements.state.value = new URLSearchParams(location.search).get("state") ?? "";
    this.#form.addEventListener("change", () => this.#changeState());
    byId("jobs-more").addEventListener("click", () => this.#load(this.#cursor));
    byId("jobs-again").addEventListener("click", () => this.reload());
  }

  /** "" for all. */
  get state() {
    return this.#form.elements.state.value;
  }

  reload() {
    return this.#load(null);
  }

  /** Take a job as it stands now: it may be new, or no longer be in the state that is shown. */
  async take(job) {
    await this.#subjects.learn([job]);
    const place = this.#jobs.findIndex(({ id }) => id === job.id);
    const belongs = !this.state || job.state === this.state;
    if (place >= 0 && belongs) this.#jobs[place] = job;
    else if (place >= 0) this.#jobs.splice(place, 1);
    else if (belongs && this.#isAmongShown(job)) this.#jobs = [...this.#jobs, job].toSorted(newestFirst);
    this.#jobs.splice(MOST_KEPT);
    this.#draw();
  }

  /** Whether its place is not on a page further down. */
  #isAmongShown(job) {
    return !this.#cursor || job.id > (this.#jobs.at(-1)?.id ?? "");
  }

  #changeState() {
    history.replaceState(null, "", this.state ? `?state=${this.state}` : location.pathname);
    this.reload();
  }

  async #load(cursor) {
    const asked = ++this.#asked;
    const params = new URLSearchParams({ limit: PAGE, ...(this.state && { state: this.state }), ...(cursor && { cursor }) });
    try {
      const page = await this.#api.get(`/v1/jobs?${params}`);
      await this.#subjects.learn(page.items);
      if (asked !== this.#asked) return;
      this.#jobs = cursor ? [...this.#jobs, ...page.items] : page.items;
      this.#cursor = page.next_cursor;
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
    if (wanted.length !== rows.size || wanted.some((row, place) => row !== this.#list.children[place])) this.#list.replaceChildren(...wanted);
    const [title, text] = EMPTY[this.state] ?? EMPTY[""];
    write(byId("jobs-empty-title"), title);
    write(byId("jobs-empty-text"), text);
    show(byId("jobs-empty"), !wanted.length);
    show(byId("jobs-more"), Boolean(this.#cursor));
    write(byId("jobs-note"), wanted.length ? this.#inWords(wanted.length) : "");
  }

  #inWords(shown) {
    return this.#cursor ? `The newest ${count(shown)} are shown` : plural(shown, "job");
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
