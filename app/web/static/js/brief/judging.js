// "More like this, less like that": judgements of matches, and the weights that they propose. Emits "change" when a
// judgement does, and "accept" with the new weights of each term.

import { byId, show, stamp, write } from "../dom.js";
import { percent, plural } from "../format.js";
import { changing, rowsOf } from "../proposal.js";
import { termsInWords } from "./words.js";

export class Judging extends EventTarget {
  #api;
  #judgements = new Map();
  #proposed = null;

  constructor(api) {
    super();
    this.#api = api;
    byId("judging-drop").addEventListener("click", () => this.forget());
    byId("judging-accept").addEventListener("click", () => {
      this.dispatchEvent(new CustomEvent("accept", { detail: this.#proposed.terms.map(({ weights }) => weights.new) }));
    });
  }

  /** "like" or "dislike" by id of the track. */
  get judgements() {
    return this.#judgements;
  }

  /** Judge a track; the same judgement again takes it back. */
  judge(id, judgement) {
    if (this.#judgements.get(id) === judgement) this.#judgements.delete(id);
    else this.#judgements.set(id, judgement);
    this.#propose(null);
  }

  forget() {
    this.#judgements.clear();
    this.#propose(null);
  }

  /** Ask which weights the judgements speak for. */
  async ask(search) {
    const of = (judgement) => [...this.#judgements].filter(([, each]) => each === judgement).map(([id]) => id);
    try {
      this.#propose(await this.#api.post("/v1/feedback", { search, liked: of("like"), disliked: of("dislike") }), search);
    } catch (error) {
      write(byId("judging-note"), error.message);
    }
  }

  #propose(answer, { terms } = { terms: [] }) {
    const names = termsInWords(terms);
    this.#proposed = answer;
    const judged = this.#judgements.size;
    show(byId("judging"), judged > 0);
    show(byId("judging-ask"), answer === null);
    show(byId("judging-accept"), Boolean(answer && changing(answer.terms).length));
    byId("changes").replaceChildren(...(answer ? rowsOf(answer.terms, (place) => names[place], changeOf) : []));
    write(byId("judging-note"), answer ? this.#inWords(answer) : `${plural(judged, "judgement")}. Judge a few more, or see what they say already.`);
    this.dispatchEvent(new Event("change"));
  }

  #inWords({ terms, judgements, certainty }) {
    if (!certainty) return `From ${plural(judgements, "judgement")} nothing can be told yet: like some matches and leave others.`;
    const sure = `${percent(certainty)} sure after ${plural(judgements, "judgement")}`;
    return changing(terms).length ? `Proposed, ${sure}:` : `The weights fit as they are, ${sure}.`;
  }
}

function changeOf({ space, old, new: proposed, why }) {
  const row = stamp("row-change");
  write(row.querySelector(".name"), space);
  write(row.querySelector(".old"), shortly(old));
  write(row.querySelector(".new"), shortly(proposed));
  row.classList.toggle("down", proposed < old);
  write(row.querySelector(".why"), why);
  return row;
}

const shortly = (weight) => String(Math.round(100 * weight) / 100).replace("-", "−");
