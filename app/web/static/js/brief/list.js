// The list of briefs. Emits "duplicate" with a brief, and "change" when one is gone.

import { confirmed } from "../confirm.js";
import { byId, show, stamp, write } from "../dom.js";
import { count, makersOf, titleOf } from "../format.js";
import { showSounding } from "../player.js";
import { ago, inFull } from "../time.js";
import { deletion } from "./deletion.js";
import { playable } from "./reference.js";

const PAGE = 50;
const LOOKED_AT = 20; // briefs that are looked at for new matches

export class BriefList extends EventTarget {
  #api;
  #player;
  #toasts;
  #list = byId("brief-list");
  #briefs = [];
  #cursor = null;
  #asked = 0;

  constructor(api, player, toasts) {
    super();
    this.#api = api;
    this.#player = player;
    this.#toasts = toasts;
    byId("briefs-more").addEventListener("click", () => this.#load(this.#cursor));
    player.addEventListener("change", () => this.#markSounding());
  }

  /** Load the list from its start. */
  load() {
    return this.#load(null);
  }

  async #load(cursor) {
    const asked = ++this.#asked;
    const query = new URLSearchParams(cursor ? { limit: PAGE, cursor } : { limit: PAGE });
    try {
      const page = await this.#api.get(`/v1/briefs?${query}`);
      if (asked !== this.#asked) return; // a later question has overtaken this answer
      this.#briefs = cursor ? [...this.#briefs, ...page.items] : page.items;
      this.#cursor = page.next_cursor;
      this.#draw();
      await this.#lookForNew();
    } catch (error) {
      if (asked === this.#asked) this.#say(error.message);
    }
  }

  /** Say which briefs would find something new, one after the other: it takes a search each. */
  async #lookForNew() {
    const shown = this.#briefs;
    for (const brief of shown.slice(0, LOOKED_AT)) {
      if (!brief.reference || !brief.last_run_at) continue;
      const { new: fresh } = await this.#api.post(`/v1/briefs/${brief.id}/run?remember=false`).catch(() => ({ new: 0 }));
      if (shown !== this.#briefs) return;
      brief.fresh = fresh;
      this.#markNew();
    }
  }

  #markNew() {
    [...this.#list.children].forEach((row, place) => {
      const { fresh = 0 } = this.#briefs[place];
      show(row.querySelector(".badge"), fresh > 0);
      write(row.querySelector(".badge"), `${count(fresh)} new`);
    });
  }

  #draw() {
    this.#list.replaceChildren(...this.#briefs.map((brief) => this.#row(brief)));
    show(byId("briefs-more"), Boolean(this.#cursor));
    show(byId("briefs-empty"), !this.#briefs.length);
    this.#say("");
    this.#markNew();
    this.#markSounding();
  }

  #say(text) {
    write(byId("briefs-note"), text);
    show(byId("briefs-note"), Boolean(text));
  }

  #row(brief) {
    const row = stamp("row-brief");
    const { reference } = brief;
    row.track = reference && playable(brief);
    write(row.querySelector(".title bdi"), brief.name);
    row.querySelector(".brief-who").href = `/briefs/${brief.id}`;
    write(row.querySelector(".reference-name"), reference ? referenceInWords(reference) : "Its reference was deleted: choose another");
    row.classList.toggle("orphaned", !reference);
    row.querySelector(".play").disabled = !reference?.has_audio;
    row.querySelector(".play").addEventListener("click", () => this.#player.toggle(row.track));
    tally(row, "seen", brief.seen);
    tally(row, "shortlisted", brief.shortlisted);
    tally(row, "rejected", brief.rejected);
    write(row.querySelector(".last-run"), brief.last_run_at ? `ran ${ago(brief.last_run_at)}` : "not run yet");
    row.querySelector(".last-run").title = brief.last_run_at ? inFull(brief.last_run_at) : "";
    this.#offer(row.querySelector(".duplicate"), "Duplicate", brief, () => this.#duplicate(brief));
    this.#offer(row.querySelector(".delete"), "Delete", brief, () => this.#delete(brief));
    return row;
  }

  #offer(button, verb, { name }, action) {
    button.setAttribute("aria-label", `${verb} ${name.slice(0, 80)}`);
    button.title = verb;
    button.addEventListener("click", action);
  }

  #duplicate(brief) {
    this.dispatchEvent(new CustomEvent("duplicate", { detail: brief }));
  }

  async #delete(brief) {
    if (!(await confirmed(deletion(brief)))) return;
    try {
      await this.#api.delete(`/v1/briefs/${brief.id}`);
      this.#briefs = this.#briefs.filter(({ id }) => id !== brief.id);
      this.#draw();
      this.#toasts.say("The brief is deleted.");
      this.dispatchEvent(new Event("change"));
    } catch (error) {
      this.#toasts.fail(error);
    }
  }

  #markSounding() {
    for (const row of this.#list.children) {
      const sounding = Boolean(row.track) && this.#player.isPlaying(row.track.id);
      const what = row.track ? titleOf(row.track).slice(0, 80) : "the reference";
      showSounding(row.querySelector(".play"), sounding, `${sounding ? "Pause" : "Play"} ${what}`);
    }
  }
}

const referenceInWords = (track) => ["like", [titleOf(track), makersOf(track)].filter(Boolean).join(" · ")].join(" ");

function tally(row, name, number) {
  const box = row.querySelector(`.${name}`);
  write(box.querySelector("dd"), count(number));
  box.classList.toggle("none", number === 0);
}
