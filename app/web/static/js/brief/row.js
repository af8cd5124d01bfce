// One candidate of a brief as a row: what it is, how it meets each condition, and why it is near.

import { show, stamp, write } from "../dom.js";
import { clock, factsOf, makersOf, percent, signed, similarity, titleOf, topShare } from "../format.js";
import { showSounding } from "../player.js";
import { labelOf } from "./words.js";

const HUES = 8;

export const shortTitle = (track) => titleOf(track).slice(0, 80);

/**
 * Fill a row with a match of the answer, or with a decision, which has no more than its track.
 * @param scale {spaces, most}: the bars that every row has, and the length that is full
 */
export function fill(row, match, scale) {
  const { track } = match;
  row.match = match;
  row.dataset.id = track.id;
  write(row.querySelector(".title bdi"), titleOf(track));
  show(row.querySelector(".badge"), Boolean(match.is_new));
  write(row.querySelector(".by"), makersOf(track));
  write(row.querySelector(".facts"), factsOf(track));
  row.querySelector(".play").disabled = !track.has_audio;
  fillScore(row, match);
  fillMeets(row, match.constraints ?? []);
  fillBars(row.querySelector(".bars"), match.by_space ?? {}, scale);
}

function fillScore(row, { similarity: value, percentile }) {
  show(row.querySelector(".score"), value !== undefined);
  if (value === undefined) return;
  write(row.querySelector(".similarity"), similarity(value));
  write(row.querySelector(".percentile"), topShare(percentile));
}

function fillMeets(row, constraints) {
  const broken = constraints.filter(({ met }) => !met);
  row.classList.toggle("broken", broken.length > 0);
  row.querySelector(".meets").replaceChildren(...broken.map(meetOf), ...constraints.filter(({ met }) => met).map(meetOf));
}

function meetOf({ name, met, wanted, found }) {
  const meet = stamp("row-meet");
  meet.classList.toggle("broken", !met);
  meet.title = `${labelOf(name)}: wanted ${wanted}, found ${found}`;
  write(meet.querySelector(".sign"), met ? "✓" : "✗");
  write(meet.querySelector(".state"), met ? "met: " : "broken: ");
  write(meet.querySelector(".name"), labelOf(name));
  write(meet.querySelector(".found"), met ? found : `${found || "unknown"}, wanted ${wanted}`);
  return meet;
}

/** The bars that all rows share: every space of the query, in the query's order. */
export function scaleOf({ query, matches, near_misses: misses }) {
  const shares = [...matches, ...misses].flatMap((match) => Object.values(match.by_space));
  return {
    spaces: Object.entries(query.weights).filter(([, weight]) => weight !== 0).map(([name]) => name),
    most: Math.max(0.01, ...shares.map(({ weight, contribution }) => Math.max(Math.abs(weight), Math.abs(contribution)))),
  };
}

function fillBars(bars, bySpace, { spaces, most }) {
  const shown = spaces.filter((name) => name in bySpace);
  show(bars, shown.length > 0);
  bars.classList.toggle("many", shown.length > 5);
  bars.replaceChildren(...shown.map((name) => barOf(name, bySpace[name], most, spaces.indexOf(name))));
}

function barOf(name, { similarity: alike, weight, contribution }, most, place) {
  const bar = stamp("row-bar");
  bar.dataset.hue = String(place % HUES);
  bar.title = `${name}: similarity ${similarity(alike)}, weight ${percent(Math.abs(weight))}, adds ${signed(contribution)}`;
  write(bar.querySelector(".name"), name.split(".").pop());
  bar.querySelector(".possible").style.width = `${(100 * Math.abs(weight)) / most}%`;
  bar.querySelector(".actual").style.width = `${(100 * Math.abs(contribution)) / most}%`;
  bar.classList.toggle("negative", contribution < 0);
  write(bar.querySelector(".amount"), signed(contribution));
  return bar;
}

/** Say what was decided, and offer to take it back. */
export function showDecision(row, decision) {
  const verdict = decision?.verdict ?? null;
  row.classList.toggle("shortlisted", verdict === "shortlisted");
  row.classList.toggle("rejected", verdict === "rejected");
  const name = shortTitle(row.match.track);
  press(row.querySelector(".verdict.shortlist"), verdict === "shortlisted", ["Shortlist", "Shortlisted"], name);
  press(row.querySelector(".verdict.reject"), verdict === "rejected", ["Reject", "Rejected"], name);
  const note = row.querySelector(".verdict-note");
  write(note, verdict === null ? "" : decision.reason || "");
  show(note, Boolean(decision?.reason));
}

function press(button, pressed, [verb, done], name) {
  button.setAttribute("aria-pressed", String(pressed));
  button.setAttribute("aria-label", `${verb} ${name}`);
  button.title = pressed ? "Press again to take it back" : "";
  write(button, pressed ? done : verb);
}

/** Say what was judged of it for the weights. */
export function showJudgement(row, judgement) {
  for (const [name, verb] of [["like", "More"], ["dislike", "Less"]]) {
    const button = row.querySelector(`.${name}`);
    button.setAttribute("aria-pressed", String(judgement === name));
    button.setAttribute("aria-label", `${verb} like ${shortTitle(row.match.track)}`);
    button.title = `${verb} like this`;
  }
}

/** Say whether it sounds. */
export function showPlaying(row, player) {
  const { track, segment } = row.match;
  const sounding = player.isPlaying(track.id);
  const from = segment && !sounding ? ` from ${clock(segment.start_s)}` : "";
  showSounding(row.querySelector(".play"), sounding, `${sounding ? "Pause" : "Play"} ${shortTitle(track)}${from}`);
}
