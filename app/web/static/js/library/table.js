// The table of tracks: a page at a time, kept up to date, with boxes to select rows by. Emits "drawn".

import { arrange, byId, seldom, show, stamp, write } from "../dom.js";
import { clock, count, makersOf, plural, titleOf } from "../format.js";
import { firstOf } from "../listing.js";
import { showSounding } from "../player.js";

const PAGE = 50;
const SHOWN_TAGS = 3;
const STATES = { pending: "on the way", failed: "failed" };
const DAY = { year: "numeric", month: "short", day: "numeric" };

export class LibraryTable extends EventTarget {
  #api;
  #query;
  #selection;
  #player;
  #list = byId("library-list");
  #tracks = [];
  #wanted = PAGE;
  #hasMore = false;
  #asked = 0;

  /** Something changed: look again soon, and not more often than once a second. */
  refresh = seldom(() => this.#load(this.#wanted));

  constructor(api, query, selection, player) {
    super();
    this.#api = api;
    this.#query = query;
    this.#selection = selection;
    this.#player = player;
    byId("library-more").addEventListener("click", () => this.#load(this.#tracks.length + PAGE));
    byId("library-again").addEventListener("click", () => this.reload());
    byId("select-all").addEventListener("change", ({ target }) => selection.setAll(this.#ids, target.checked));
    for (const head of this.#heads) head.firstElementChild.addEventListener("click", () => query.sortBy(head.dataset.field));
    selection.addEventListener("change", () => this.#markSelected());
    player.addEventListener("change", () => this.#markSounding());
  }

  /** The track of a row that is shown; `undefined` for others. */
  track(id) {
    return this.#tracks.find((track) => track.id === id);
  }

  /** Load from the start. */
  async reload() {
    byId("library-table").classList.add("busy");
    await this.#load(PAGE);
    byId("library-table").classList.remove("busy");
  }

  /** Take tracks out that are gone. */
  drop(ids) {
    const gone = new Set(ids);
    this.#tracks = this.#tracks.filter(({ id }) => !gone.has(id));
    this.#draw();
  }

  /** Show the first so many. */
  async #load(wanted) {
    const asked = ++this.#asked;
    this.#wanted = wanted;
    try {
      const { items, hasMore } = await firstOf(this.#api, "/v1/tracks", this.#query.params, wanted);
      if (asked !== this.#asked) return; // a later question has overtaken this answer
      this.#tracks = items;
      this.#hasMore = hasMore;
      this.#fail(null);
      this.#draw();
    } catch (error) {
      if (asked === this.#asked) this.#fail(error);
    }
  }

  #fail(error) {
    show(byId("library-loading"), false);
    write(byId("library-reason"), error?.message);
    show(byId("library-trouble"), error !== null);
    if (error) write(byId("library-note"), "");
  }

  #draw() {
    const rows = new Map([...this.#list.children].map((row) => [row.dataset.id, row]));
    arrange(this.#list, this.#tracks.map((track) => fill(rows.get(track.id) ?? this.#newRow(), track)));
    show(byId("library-table"), this.#tracks.length > 0);
    show(byId("library-more"), this.#hasMore);
    write(byId("library-note"), this.#inWords());
    this.#drawEmpty();
    this.#markOrder();
    this.#markSelected();
    this.#markSounding();
    this.dispatchEvent(new Event("drawn"));
  }

  #inWords() {
    if (!this.#tracks.length) return "";
    return this.#hasMore ? `The first ${count(this.#tracks.length)} are shown` : plural(this.#tracks.length, "track");
  }

  #drawEmpty() {
    show(byId("library-empty"), !this.#tracks.length);
    const narrow = this.#query.isNarrow;
    write(byId("library-empty-title"), narrow ? "Nothing fits" : "Your library is empty");
    write(
      byId("library-empty-text"),
      narrow
        ? "No track has what you ask for. Change the filters, or clear them."
        : "Add some music: any audio format, as many files as you like. Drop them anywhere on this page.",
    );
  }

  #newRow() {
    const row = stamp("row-library");
    row.querySelector(".play").addEventListener("click", () => this.#player.toggle(row.track));
    row.querySelector("input").addEventListener("click", ({ target, shiftKey }) => {
      this.#selection.set(row.track.id, target.checked, shiftKey ? this.#ids : null);
    });
    return row;
  }

  get #ids() {
    return this.#tracks.map(({ id }) => id);
  }

  get #heads() {
    return byId("library-table").querySelectorAll("th[data-field]");
  }

  #markOrder() {
    const { sort } = this.#query;
    for (const head of this.#heads) {
      const isSorted = sort.replace("-", "") === head.dataset.field;
      if (isSorted) head.setAttribute("aria-sort", sort.startsWith("-") ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    }
  }

  #markSelected() {
    let selected = 0;
    for (const row of this.#list.children) {
      const isSelected = this.#selection.has(row.dataset.id);
      row.classList.toggle("selected", isSelected);
      row.querySelector("input").checked = isSelected;
      selected += isSelected;
    }
    byId("select-all").checked = selected > 0 && selected === this.#tracks.length;
    byId("select-all").indeterminate = selected > 0 && selected < this.#tracks.length;
  }

  #markSounding() {
    for (const row of this.#list.children) {
      const sounding = this.#player.isPlaying(row.dataset.id);
      showSounding(row.querySelector(".play"), sounding, `${sounding ? "Pause" : "Play"} ${nameOf(row.track)}`);
    }
  }
}

const nameOf = (track) => titleOf(track).slice(0, 80);

function fill(row, track) {
  const { metadata, analysis } = track;
  const set = (selector, text) => write(row.querySelector(selector), text);
  row.track = track;
  row.dataset.id = track.id;
  set(".title bdi", titleOf(track));
  set(".by", makersOf(track));
  set(".tempo", analysis?.tempo_bpm ? `${Math.round(analysis.tempo_bpm)} bpm` : "");
  set(".key", analysis?.key);
  set(".length", analysis ? clock(analysis.duration_s) : "");
  set(".licence bdi", metadata.licence);
  set(".added", new Date(track.created_at).toLocaleDateString(undefined, DAY));
  set(".badge", STATES[track.state]);
  row.querySelector(".badge").dataset.state = track.state;
  show(row.querySelector(".badge"), track.state in STATES);
  show(row.querySelector(".similar"), track.state === "ready");
  row.querySelector(".title").href = `/tracks/${track.id}`;
  row.querySelector(".similar").href = `/#track=${track.id}`;
  row.querySelector(".similar").title = "Find similar tracks";
  row.querySelector(".similar").setAttribute("aria-label", `Find tracks similar to ${nameOf(track)}`);
  row.querySelector(".play").disabled = !track.has_audio;
  row.querySelector("input").setAttribute("aria-label", `Select ${nameOf(track)}`);
  row.querySelector(".tags").replaceChildren(...tagsOf(track).slice(0, SHOWN_TAGS));
  return row;
}

/** Its own tags, then those that are heard in it. */
function tagsOf({ metadata, heard_tags: heard }) {
  return [...metadata.tags.map((tag) => tagOf(tag, false)), ...heard.map((tag) => tagOf(tag, true))];
}

function tagOf(tag, isHeard) {
  const element = stamp("row-own-tag");
  write(element.firstElementChild, tag);
  element.classList.toggle("heard", isHeard);
  if (isHeard) element.title = "Heard by an encoder";
  return element;
}
