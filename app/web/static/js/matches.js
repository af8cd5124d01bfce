// The matches: one row each, with a bar per dimension. Rows are kept from answer to answer, so that one sees them
// change places. Emits "use" with a track.

import { byId, show, stamp, write } from "./dom.js";
import { clock, count, factsOf, makersOf, percent, plural, signed, similarity, titleOf } from "./format.js";
import { showSounding } from "./player.js";

const MOVE_MS = 320;
const MANY_SPACES = 5;
const SHOWN_COMPONENTS = 3;
const SHOWN_TAGS = 2;

const calm = matchMedia("(prefers-reduced-motion: reduce)");

export class Matches extends EventTarget {
  #list = byId("match-list");
  #note = byId("matches-note");
  #rows = new Map();
  #hues = {};
  #player;

  constructor(player) {
    super();
    this.#player = player;
    player.addEventListener("change", () => this.#markSounding());
  }

  /** An answer is on its way. */
  expect() {
    byId("matches").classList.add("stale");
  }

  /** Show an answer. `hues` are those of its spaces. */
  show(answer, hues) {
    this.#hues = hues;
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

  #settle(trouble) {
    byId("matches").classList.remove("stale");
    show(byId("matches-head"), true);
    write(byId("matches-empty"), trouble);
    show(byId("matches-empty"), trouble !== null);
  }

  #rowOf(id) {
    if (!this.#rows.has(id)) this.#rows.set(id, this.#newRow(id));
    return this.#rows.get(id);
  }

  #newRow(id) {
    const row = stamp("row-match");
    row.dataset.id = id;
    row.querySelector(".play").addEventListener("click", () => this.#player.toggle(row.match.track, row.match.segment));
    row.querySelector(".use").addEventListener("click", () => {
      this.dispatchEvent(new CustomEvent("use", { detail: row.match.track }));
    });
    return row;
  }

  #filled(row, match, spaces, scale) {
    const { track } = match;
    row.match = match;
    write(row.querySelector(".title bdi"), titleOf(track));
    row.querySelector(".title").title = titleOf(track).slice(0, 300);
    write(row.querySelector(".by"), makersOf(track));
    write(row.querySelector(".facts"), factsOf(track));
    write(row.querySelector(".similarity"), similarity(match.similarity));
    write(row.querySelector(".percentile"), topShare(match.percentile));
    row.querySelector(".score").title = `More similar than ${match.percentile.toFixed(2)} % of the catalogue`;
    row.querySelector(".play").disabled = !track.has_audio;
    row.querySelector(".use").setAttribute("aria-label", `Use ${titleOf(track).slice(0, 80)} as reference`);
    write(row.querySelector(".shared"), sharedInWords(match.by_component));
    row.querySelector(".shared").title = row.querySelector(".shared").textContent;
    show(row.querySelector(".shared"), match.by_component.length > 0);
    this.#fillBars(row.querySelector(".bars"), match.by_space, spaces, scale);
    return row;
  }

  #fillBars(bars, bySpace, spaces, scale) {
    bars.classList.toggle("many", spaces.length > MANY_SPACES);
    while (bars.children.length < spaces.length) bars.append(stamp("row-bar"));
    while (bars.children.length > spaces.length) bars.lastElementChild.remove();
    spaces.forEach((name, place) => {
      const bar = bars.children[place];
      bar.dataset.hue = this.#hues[name];
      write(bar.querySelector(".name"), labelOf(name, spaces));
      fillBar(bar, name, bySpace[name], scale);
    });
  }

  #placesOfRows() {
    return new Map([...this.#list.children].map((row) => [row, row.getBoundingClientRect().top]));
  }

  #arrange(rows) {
    const kept = new Set(rows);
    for (const [id, row] of this.#rows) {
      if (kept.has(row)) continue;
      row.remove();
      this.#rows.delete(id);
    }
    rows.forEach((row, place) => {
      const there = this.#list.children[place];
      if (there !== row) this.#list.insertBefore(row, there ?? null);
    });
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

/** Which spaces have a bar, in order: all of one encoder; of several, those that count. */
function barsOf({ encoders, weights }) {
  const names = Object.keys(weights);
  return encoders.length > 1 ? names.filter((name) => weights[name] !== 0) : names;
}

/** What a bar is called: the space, with its encoder only where another bar would be called the same. */
function labelOf(name, names) {
  const space = name.split(".").pop();
  return names.filter((each) => each.split(".").pop() === space).length > 1 ? name : space;
}

/** "Shares ambient, piano +0.21": the kinds of sound that both have most of. */
function sharedInWords(components) {
  const named = components.filter(({ tags }) => tags.length).slice(0, SHOWN_COMPONENTS);
  const kinds = named.map(({ tags, contribution }) => `${tags.slice(0, SHOWN_TAGS).join(", ")} ${signed(contribution)}`);
  return kinds.length ? `Shares ${kinds.join(" · ")}` : "Shares kinds of sound that no tag says";
}

/** The range that all bars share, so that lengths compare across rows: to the left only as far as somebody goes. */
function scaleOf(matches) {
  const shares = matches.flatMap((match) => Object.values(match.by_space));
  const most = Math.max(0.01, ...shares.map((share) => Math.abs(share.weight)));
  return { most, least: Math.min(0, ...shares.map((share) => share.contribution)) };
}

function fillBar(bar, name, share, scale) {
  const { weight, contribution, similarity: alike } = share ?? { weight: 0, contribution: 0, similarity: 0 };
  bar.classList.toggle("off", weight === 0);
  write(bar.querySelector(".amount"), weight === 0 ? "–" : signed(contribution));
  stretch(bar.querySelector(".possible"), Math.abs(weight), scale);
  stretch(bar.querySelector(".actual"), contribution, scale);
  show(bar.querySelector(".zero"), scale.least < 0);
  bar.querySelector(".zero").style.left = `${placeOn(scale, 0)}%`;
  write(bar.querySelector(".unseen"), barInWords(name, weight, contribution, alike));
  bar.title = barInWords(name, weight, contribution, alike);
}

const placeOn = (scale, value) => (100 * (value - scale.least)) / (scale.most - scale.least);

function stretch(element, value, scale) {
  const [zero, end] = [placeOn(scale, 0), placeOn(scale, value)];
  element.style.left = `${Math.min(zero, end)}%`;
  element.style.width = `${Math.abs(end - zero)}%`;
}

function barInWords(name, weight, contribution, alike) {
  if (weight === 0) return `${name}: ignored`;
  const verb = contribution < 0 ? "takes away" : "adds";
  const amount = similarity(Math.abs(contribution));
  return `${name}: similarity ${similarity(alike)}, weight ${percent(Math.abs(weight))}, ${verb} ${amount}`;
}

/** "top 0.4 %": the share of the catalogue that is at least as similar. */
function topShare(percentile) {
  const rest = Math.max(100 - percentile, 0.1);
  return `top ${rest < 10 ? rest.toFixed(1) : Math.round(rest)} %`;
}

function summaryOf(answer) {
  const { index, matches } = answer;
  const among = index.allowed < index.size ? `${count(index.allowed)} of ${plural(index.size, "track")}` : plural(index.size, "track");
  const took_ms = Object.values(answer.took_ms).reduce((sum, stage) => sum + stage, 0);
  const time = `${took_ms < 10 ? took_ms.toFixed(1) : Math.round(took_ms)} ms`;
  return `${count(matches.length)} among ${among}${index.exact ? "" : ", approximate"}, ${time}`;
}
