// The matches: one row each, with a bar per dimension. Rows are kept from answer to answer, so that one sees them
// change places. Emits "use" and "add" with a track, and "judge" when one is liked or disliked.

import { barsOf, fillBars, scaleOf } from "./bars.js";
import { arrange, byId, show, stamp, write } from "./dom.js";
import { clock, count, factsOf, makersOf, plural, signed, similarity, titleOf, topShare } from "./format.js";
import { showSounding } from "./player.js";
import { Explanation } from "./search/explanation.js";

const MOVE_MS = 320;
const MANY_SPACES = 5;
const SHOWN_COMPONENTS = 3;
const SHOWN_TAGS = 2;

const calm = matchMedia("(prefers-reduced-motion: reduce)");

export class Matches extends EventTarget {
  #list = byId("match-list");
  #note = byId("matches-note");
  #rows = new Map();
  #context;
  #player;
  #used = null;

  /** @param context {api, player, query, search}: what an explanation needs */
  constructor(context) {
    super();
    this.#context = context;
    this.#player = context.player;
    this.#player.addEventListener("change", () => this.#markSounding());
  }

  /** An answer is on its way. */
  expect() {
    byId("matches").classList.add("stale");
    if (this.#rows.size) return;
    show(byId("matches-head"), true);
    write(this.#note, "Searching…");
  }

  /** Show an answer. */
  show(answer) {
    this.#used = answer.query;
    const spaces = barsOf(answer.query);
    const places = this.#placesOfRows();
    const scale = scaleOf(answer.matches);
    const rows = answer.matches.map((match) => this.#filled(this.#rowOf(match.track.id), match, spaces, scale));
    this.#arrange(rows);
    this.#glide(places);
    this.#settle(answer.matches.length ? null : answer.empty_because || "Nothing was found.");
    write(this.#note, summaryOf(answer));
    this.#markSounding();
  }

  /** Say why there are none. */
  fail(message) {
    this.#arrange([]);
    write(this.#note, "");
    this.#settle(message);
  }

  /** Forget all: nothing is searched. */
  clear() {
    this.#arrange([]);
    show(byId("matches-head"), false);
    show(byId("matches-none"), false);
    byId("matches").classList.remove("stale");
  }

  /** Show what was judged: {liked, disliked}, sets of ids. */
  markJudged({ liked, disliked }) {
    for (const [id, row] of this.#rows) {
      row.querySelector(".like").setAttribute("aria-pressed", String(liked.has(id)));
      row.querySelector(".dislike").setAttribute("aria-pressed", String(disliked.has(id)));
    }
  }

  #settle(trouble) {
    byId("matches").classList.remove("stale");
    show(byId("matches-head"), true);
    write(byId("matches-empty"), trouble);
    show(byId("matches-none"), trouble !== null);
  }

  #rowOf(id) {
    if (!this.#rows.has(id)) this.#rows.set(id, this.#newRow(id));
    return this.#rows.get(id);
  }

  #newRow(id) {
    const row = stamp("row-match");
    row.dataset.id = id;
    row.querySelector(".play").addEventListener("click", () => this.#player.toggle(row.match.track, row.match.segment));
    for (const act of ["use", "add"]) row.querySelector(`.${act}`).addEventListener("click", () => this.#emit(act, row.match.track));
    for (const verdict of ["like", "dislike"]) {
      row.querySelector(`.${verdict}`).addEventListener("click", () => this.#emit("judge", { id, verdict }));
    }
    row.querySelector(".why").addEventListener("click", () => this.#explain(row, !row.explanation));
    return row;
  }

  #emit(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }

  /** Open or close the explanation under a row. */
  #explain(row, open) {
    row.querySelector(".why").setAttribute("aria-expanded", String(open));
    row.explanation?.element.remove();
    row.explanation = open ? new Explanation(this.#context) : null;
    if (!open) return;
    row.explanation.element.id = `why-${row.dataset.id}`;
    row.explanation.element.setAttribute("aria-label", `Why ${titleOf(row.match.track).slice(0, 80)} was found`);
    row.querySelector(".why").setAttribute("aria-controls", row.explanation.element.id);
    row.append(row.explanation.element);
    row.explanation.show(row.match, this.#used);
  }

  #filled(row, match, spaces, scale) {
    const { track } = match;
    row.match = match;
    write(row.querySelector(".title bdi"), titleOf(track));
    row.querySelector(".title").title = titleOf(track).slice(0, 300);
    row.querySelector(".title a").href = `/tracks/${track.id}`;
    write(row.querySelector(".by"), makersOf(track));
    write(row.querySelector(".facts"), factsOf(track));
    write(row.querySelector(".similarity"), similarity(match.similarity));
    write(row.querySelector(".percentile"), topShare(match.percentile));
    row.querySelector(".score").title = `More similar than ${match.percentile.toFixed(2)} % of the catalogue`;
    row.querySelector(".play").disabled = !track.has_audio;
    labelActs(row, titleOf(track).slice(0, 80));
    write(row.querySelector(".shared"), sharedInWords(match.by_component));
    row.querySelector(".shared").title = row.querySelector(".shared").textContent;
    show(row.querySelector(".shared"), match.by_component.length > 0);
    const bars = row.querySelector(".bars");
    bars.classList.toggle("many", spaces.length > MANY_SPACES);
    fillBars(bars, match.by_space, spaces, scale, (name) => this.#context.query.hueOf(this.#used.encoders, name));
    row.explanation?.show(match, this.#used);
    return row;
  }

  #placesOfRows() {
    return new Map([...this.#list.children].map((row) => [row, row.getBoundingClientRect().top]));
  }

  #arrange(rows) {
    arrange(this.#list, rows);
    this.#rows = new Map(rows.map((row) => [row.dataset.id, row]));
  }

  /** Let every row glide from where it was to where it now is. */
  #glide(places) {
    if (calm.matches) return;
    for (const row of this.#list.children) {
      const before = places.get(row);
      const moved = before === undefined ? null : before - row.getBoundingClientRect().top;
      if (moved === 0) continue;
      const start = moved === null ? { opacity: 0 } : { transform: `translateY(${moved}px)` };
      row.animate([start, {}], { duration: MOVE_MS, easing: "cubic-bezier(0.2, 0.7, 0.2, 1)" });
    }
  }

  #markSounding() {
    for (const row of this.#list.children) {
      const { track, segment } = row.match;
      const sounding = this.#player.isPlaying(track.id);
      const from = segment && !sounding ? ` from ${clock(segment.start_s)}` : "";
      const label = `${sounding ? "Pause" : "Play"} ${titleOf(track).slice(0, 80)}${from}`;
      showSounding(row.querySelector(".play"), sounding, label);
    }
  }
}

function labelActs(row, title) {
  const labels = {
    use: `Use ${title} as reference`,
    add: `Add ${title} to the references`,
    like: `More like ${title}`,
    dislike: `Less like ${title}`,
    why: `Why ${title} was found`,
  };
  for (const [act, label] of Object.entries(labels)) row.querySelector(`.${act}`).setAttribute("aria-label", label);
}

/** "Shares ambient, piano +0.21": the kinds of sound that both have most of. */
function sharedInWords(components) {
  const named = components.filter(({ tags }) => tags.length).slice(0, SHOWN_COMPONENTS);
  const kinds = named.map(({ tags, contribution }) => `${tags.slice(0, SHOWN_TAGS).join(", ")} ${signed(contribution)}`);
  return kinds.length ? `Shares ${kinds.join(" · ")}` : "Shares kinds of sound that no tag says";
}

function summaryOf(answer) {
  const { index, matches } = answer;
  const among = index.allowed < index.size ? `${count(index.allowed)} of ${plural(index.size, "track")}` : plural(index.size, "track");
  const took_ms = Object.values(answer.took_ms).reduce((sum, stage) => sum + stage, 0);
  const time = `${took_ms < 10 ? took_ms.toFixed(1) : Math.round(took_ms)} ms`;
  return `${count(matches.length)} among ${among}${index.exact ? "" : `, ${(100 * index.recall).toFixed(1)} % of the best found`}, ${time}`;
}
