// The list of the catalogue: paged, searched by text, kept up to date. Emits "choose" with a track to compare with,
// and "add" with one to compare with as well.

import { arrange, byId, debounced, seldom, show, stamp, write } from "./dom.js";
import { factsOf, makersOf, titleOf } from "./format.js";
import { firstOf } from "./listing.js";
import { showSounding } from "./player.js";

const PAGE = 50;
const STATES = { pending: "waiting", failed: "failed" };

export class Catalogue extends EventTarget {
  #api;
  #list = byId("track-list");
  #note = byId("catalogue-note");
  #more = byId("catalogue-more");
  #text = byId("catalogue-text");
  #tracks = [];
  #wanted = PAGE;
  #hasMore = false;
  #chosen = new Set();
  #player;
  #listing = 0;
  #refreshSoon = seldom(() => this.#load(this.#wanted));

  constructor(api, player) {
    super();
    this.#api = api;
    this.#player = player;
    this.#text.addEventListener("input", debounced(() => this.reload(), 200));
    this.#more.addEventListener("click", () => this.#load(this.#tracks.length + PAGE));
    player.addEventListener("change", () => this.#markSounding());
  }

  /** Load the list from its start. */
  reload() {
    return this.#load(PAGE);
  }

  /** Something changed: look again soon, and not more often than once a second. */
  refresh({ kind, subject } = {}) {
    if (kind === "track.deleted") this.#tracks = this.#tracks.filter((track) => track.id !== subject);
    this.#refreshSoon();
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

  /** Show the first so many. */
  async #load(wanted) {
    const listing = ++this.#listing;
    const text = this.#text.value.trim();
    this.#wanted = wanted;
    try {
      const { items, hasMore } = await firstOf(this.#api, "/v1/tracks", text ? { text } : {}, wanted);
      if (listing !== this.#listing) return; // a later question has overtaken this answer
      this.#tracks = items;
      this.#hasMore = hasMore;
      this.#draw();
    } catch (error) {
      if (listing === this.#listing) this.#say(error.message);
    }
  }

  #draw() {
    const rows = new Map([...this.#list.children].map((row) => [row.dataset.id, row]));
    arrange(this.#list, this.#tracks.map((track) => this.#filled(rows.get(track.id) ?? this.#newRow(), track)));
    show(this.#more, this.#hasMore);
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
