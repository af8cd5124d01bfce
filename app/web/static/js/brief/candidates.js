// A list of candidates: matches, near misses, the shortlist, or what was rejected. Emits "shortlist", "reject" (with
// {track, reason}), "undo" and "judge" (with {track, judgement}).

import { arrange, show, stamp } from "../dom.js";
import { fill, showDecision, showJudgement, showPlaying } from "./row.js";

const REASONS = ["wrong mood", "wrong genre", "wrong instruments", "has vocals", "too much alike", "poor sound"];

export class Candidates extends EventTarget {
  #list;
  #player;

  /** @param list the element whose rows they are */
  constructor(list, player) {
    super();
    this.#list = list;
    this.#player = player;
    player.addEventListener("change", () => this.#markPlaying());
  }

  get rows() {
    return [...this.#list.children];
  }

  /** Show these, in this order. Rows stay where they are, and where the one that has the focus goes, the next one gets it. */
  show(matches, scale) {
    const made = new Map(this.rows.map((row) => [row.dataset.id, row]));
    const place = this.rows.indexOf(document.activeElement?.closest(".candidate"));
    const rows = matches.map((match) => made.get(match.track.id) ?? this.#newRow());
    rows.forEach((row, each) => fill(row, matches[each], scale));
    arrange(this.#list, rows);
    if (place >= 0 && !this.#list.contains(document.activeElement)) this.rows[Math.min(place, rows.length - 1)]?.focus();
    this.#markPlaying();
  }

  /** Mark what is decided and judged. */
  mark(decisions, judgements) {
    for (const row of this.rows) {
      showDecision(row, decisions.get(row.dataset.id));
      showJudgement(row, judgements.get(row.dataset.id));
    }
  }

  play(row) {
    if (row.match.track.has_audio) this.#player.toggle(row.match.track, row.match.segment ?? null);
  }

  /** Shortlist the row's track, or take that back. */
  shortlist(row) {
    this.#emit(row.classList.contains("shortlisted") ? "undo" : "shortlist", { track: row.match.track });
  }

  /** Ask why the row's track is rejected, or take the rejection back. */
  reject(row) {
    if (row.classList.contains("rejected")) return this.#emit("undo", { track: row.match.track });
    show(row.querySelector(".rejecting"), true);
    row.querySelector(".reasons button").focus();
  }

  #newRow() {
    const row = stamp("row-candidate");
    row.querySelector(".play").addEventListener("click", () => this.play(row));
    row.querySelector(".verdict.shortlist").addEventListener("click", () => this.shortlist(row));
    row.querySelector(".verdict.reject").addEventListener("click", () => this.reject(row));
    for (const name of ["like", "dislike"]) {
      row.querySelector(`.${name}`).addEventListener("click", () => this.#emit("judge", { track: row.match.track, judgement: name }));
    }
    this.#prepareRejecting(row);
    return row;
  }

  #prepareRejecting(row) {
    const form = row.querySelector(".rejecting");
    const send = (reason) => {
      show(form, false);
      row.focus();
      this.#emit("reject", { track: row.match.track, reason });
    };
    const close = () => {
      show(form, false);
      row.focus();
    };
    form.querySelector(".reasons").replaceChildren(...REASONS.map((reason) => choiceOf(reason, send)));
    form.querySelector(".cancel").addEventListener("click", close);
    form.addEventListener("keydown", (event) => event.key === "Escape" && close());
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const reason = form.elements.reason.value.trim();
      if (reason) send(reason);
      else form.elements.reason.focus();
    });
  }

  #markPlaying() {
    for (const row of this.rows) showPlaying(row, this.#player);
  }

  #emit(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}

function choiceOf(reason, send) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "chip";
  button.textContent = reason;
  button.addEventListener("click", () => send(reason));
  return button;
}
