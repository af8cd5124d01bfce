// The list of the catalogue: paged, searched by text, kept up to date. Emits "choose" with a track to compare with,
// and "add" with one to compare with as well.

import { byId, debounced, show, stamp, write } from "./dom.js";
import { unique } from "./each.js";
import { factsOf, makersOf, titleOf } from "./format.js";
import { showSounding } from "./player.js";

const PAGE = 50;
const LARGEST_PAGE = 200;
const REFRESH_MS = 1000;
const STATES = { pending: "waiting", failed: "failed" };

export class Catalogue extends EventTarget {
  #api;
  #list = byId("track-list");
  #note = byId("catalogue-note");
  #more = byId("catalogue-more");
  #text = byId("catalogue-text");
  #tracks = [];
  #cursor = null;
  #chosen = new Set();
  #player;
  #listing = 0;
  #refreshDue = false;

  constructor(api, player) {
    super();
    this.#api = api;
    this.#player = player;
    this.#text.addEventListener("input", debounced(() => this.reload(), 200));
    this.#more.addEventListener("click", () => this.#showMore());
    player.addEventListener("change", () => this.#markSounding());
  }

  /** Load the list from its start. */
  async reload() {
    await this.#load(PAGE, null, () => []);
  }

  /** Something changed: look again soon, and not more often than once a second. */
  refresh({ kind, subject } = {}) {
    if (kind === "track.deleted") this.#tracks = this.#tracks.filter((track) => track.id !== subject);
    if (this.#refreshDue || document.hidden) return;
    this.#refreshDue = true;
    setTimeout(() => {
      this.#refreshDue = false;
      this.#refreshShown();
    }, REFRESH_MS);
  }

  /** Whether a shown track is still on its way. */
  get hasPending() {
    return this.#tracks.some((track) => track.state === "pending");
  }

  /** Mark the tracks that are references. */
  mark(ids) {
    this.#chosen = new Set(ids);
    for (const row of this.#list.children) this.#markChosen(row);
  }

  #showMore() {
    return this.#load(PAGE, this.#cursor, (tracks) => tracks);
  }

  #refreshShown() {
    const shown = Math.min(Math.max(this.#tracks.length, PAGE), LARGEST_PAGE);
    return this.#load(shown, null, (tracks) => tracks.slice(shown), this.#tracks.length > LARGEST_PAGE);
  }

  /** Fetch a page and lay it before or behind what `kept` leaves of the tracks that are shown. */
  async #load(limit, cursor, kept, keepCursor = false) {
    const listing = ++this.#listing;
    const query = new URLSearchParams({ limit });
    if (this.#text.value.trim()) query.set("text", this.#text.value.trim());
    if (cursor) query.set("cursor", cursor);
    try {
      const page = await this.#api.get(`/v1/tracks?${query}`);
      if (listing !== this.#listing) return; // a later question has overtaken this answer
      const others = kept(this.#tracks);
      this.#tracks = unique(cursor ? [...others, ...page.items] : [...page.items, ...others]);
      if (!keepCursor) this.#cursor = page.next_cursor;
      this.#draw();
    } catch (error) {
      if (listing === this.#listing) this.#say(error.message);
    }
  }

  #draw() {
    const rows = new Map([...this.#list.children].map((row) => [row.dataset.id, row]));
    const wanted = this.#tracks.map((track) => this.#filled(rows.get(track.id) ?? this.#newRow(), track));
    if (wanted.some((row, place) => row !== this.#list.children[place])) this.#list.replaceChildren(...wanted);
    while (this.#list.children.length > wanted.length) this.#list.lastElementChild.remove();
    show(this.#more, Boolean(this.#cursor));
    this.#say(this.#tracks.length ? "" : this.#whyEmpty());
    this.#markSounding();
    this.dispatchEvent(new Event("drawn"));
  }

  #whyEmpty() {
    const text = this.#text.value.trim();
    return text
      ? `Nothing in the catalogue has “${text.slice(0, 60)}” in its title, artist or album.`
      : "The catalogue is empty. Add some music above: any audio format, as many files as you like.";
  }

  #say(text) {
    write(this.#note, text);
    show(this.#note, Boolean(text));
  }

  #newRow() {
    const row = stamp("row-track");
    row.querySelector(".play").addEventListener("click", () => this.#player.toggle(row.track));
    row.querySelector(".pick").addEventListener("click", () => this.#choose(row.track));
    row.querySelector(".join").addEventListener("click", () => {
      this.dispatchEvent(new CustomEvent("add", { detail: row.track }));
    });
    row.querySelector(".why").addEventListener("click", () => this.#explain(row));
    row.querySelector(".again").addEventListener("click", () => this.#tryAgain(row));
    return row;
  }

  #filled(row, track) {
    row.track = track;
    row.dataset.id = track.id;
    write(row.querySelector(".title"), titleOf(track));
    write(row.querySelector(".by"), makersOf(track));
    write(row.querySelector(".facts"), factsOf(track));
    write(row.querySelector(".state"), STATES[track.state] ?? "");
    show(row.querySelector(".state"), track.state === "pending");
    show(row.querySelector(".why"), track.state === "failed");
    if (track.state !== "failed") show(row.querySelector(".trouble"), false);
    row.querySelector(".pick").disabled = track.state !== "ready";
    row.querySelector(".pick").title = track.state === "ready" ? "Find similar tracks" : "";
    row.querySelector(".play").disabled = !track.has_audio;
    row.querySelector(".join").setAttribute("aria-label", `Add ${titleOf(track).slice(0, 80)} to the references`);
    this.#markChosen(row);
    return row;
  }

  /** Only what is ready can be added, and only to references that are there. */
  #markChosen(row) {
    const chosen = this.#chosen.has(row.dataset.id);
    row.classList.toggle("chosen", chosen);
    show(row.querySelector(".join"), !chosen && this.#chosen.size > 0 && row.track.state === "ready");
  }

  #choose(track) {
    this.dispatchEvent(new CustomEvent("choose", { detail: track }));
  }

  async #explain(row) {
    const trouble = row.querySelector(".trouble");
    if (!trouble.hidden) return show(trouble, false);
    const page = await this.#api.get(`/v1/jobs?limit=1&subject=${row.track.id}`).catch((error) => ({ error }));
    row.job = page.items?.[0];
    write(row.querySelector(".reason"), page.error?.message ?? row.job?.error?.message ?? "No reason is known.");
    show(row.querySelector(".again"), Boolean(row.job));
    return show(trouble, true);
  }

  async #tryAgain(row) {
    try {
      await this.#api.post(`/v1/jobs/${row.job.id}/retry`);
      this.refresh();
    } catch (error) {
      write(row.querySelector(".reason"), error.message);
    }
  }

  #markSounding() {
    for (const row of this.#list.children) {
      const sounding = this.#player.isPlaying(row.dataset.id);
      const verb = sounding ? "Pause" : "Play";
      showSounding(row.querySelector(".play"), sounding, `${verb} ${titleOf(row.track).slice(0, 80)}`);
    }
  }
}
