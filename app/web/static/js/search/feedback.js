// "More like this, less like that": judgements of matches, and the weights that they propose. Emits "judged" when a
// judgement changes.

import { byId, debounced, show, stamp, write } from "../dom.js";
import { plural, titleOf } from "../format.js";
import { changing, rowsOf } from "../proposal.js";

const SETTLE_MS = 250;
const MOST_EARLIER = 50;
const LISTENING = "Listening to your judgements…";

// The certainty is the likeness to be expected between the weights and those that are meant, as a cosine.
const GUESS = 0.85;
const FOUND = 0.95;

export class Feedback extends EventTarget {
  #api;
  #query;
  #search;
  #liked = new Set();
  #disliked = new Set();
  #earlier = []; // {encoders, round} whose proposal was accepted: what was judged counts on, beside what was shown then
  #asked = 0;
  #proposed = null; // the weights of each term

  /** @param save asks for a name and keeps weights under it */
  constructor(api, query, search, save) {
    super();
    this.#api = api;
    this.#query = query;
    this.#search = search;
    byId("feedback-accept").addEventListener("click", () => this.#accept());
    byId("feedback-save").addEventListener("click", () => save(this.#proposed[0]));
    byId("feedback-dismiss").addEventListener("click", () => this.#dismiss());
    query.addEventListener("weights", () => {
      this.#earlier = []; // weights set by hand are where it starts anew
      this.listen();
    });
  }

  /** {liked, disliked}: sets of ids of tracks */
  get judged() {
    return { liked: this.#liked, disliked: this.#disliked };
  }

  /** Judge a track; the same judgement again takes it back. */
  judge({ id, verdict }) {
    const [own, other] = verdict === "like" ? [this.#liked, this.#disliked] : [this.#disliked, this.#liked];
    other.delete(id);
    if (!own.delete(id)) own.add(id);
    this.#changed();
  }

  /** Forget all judgements, those of earlier rounds too: they were of another search. */
  clear() {
    this.#earlier = [];
    this.#forgetMarks();
  }

  #forgetMarks() {
    if (!this.#count) return;
    this.#liked.clear();
    this.#disliked.clear();
    this.#changed();
  }

  /** Ask what the judgements speak for by now: what was proposed before is off the table at once. */
  listen() {
    this.#asked += 1;
    this.#say(LISTENING);
    this.#askSoon();
  }

  #dismiss() {
    this.clear();
    byId("matches").focus();
  }

  get #round() {
    return { search: { ...this.#search.body, terms: this.#query.everything }, liked: [...this.#liked], disliked: [...this.#disliked] };
  }

  get #count() {
    return this.#liked.size + this.#disliked.size;
  }

  #changed() {
    show(byId("feedback"), this.#count > 0);
    this.dispatchEvent(new Event("judged"));
    this.listen();
  }

  #askSoon = debounced(() => this.#ask(), SETTLE_MS);

  async #ask() {
    if (!this.#count) return;
    const asked = ++this.#asked;
    const earlier = this.#earlier.filter(({ encoders }) => encoders === this.#query.asked).map(({ round }) => round);
    try {
      const proposal = await this.#api.post("/v1/feedback", { ...this.#round, earlier });
      if (asked === this.#asked) this.#draw(proposal);
    } catch (error) {
      if (asked === this.#asked) this.#say(error.message);
    }
  }

  #say(words) {
    this.#proposed = null;
    byId("feedback-changes").replaceChildren();
    write(byId("feedback-note"), words);
    this.#offer(false);
  }

  #draw({ terms, judgements, certainty }) {
    const telling = changing(terms);
    this.#proposed = terms.map(({ weights }) => weights.new);
    byId("feedback-changes").replaceChildren(...rowsOf(terms, (place) => this.#nameOf(place), (change) => this.#rowOf(change)));
    const from = `From ${plural(judgements, "judgement")}`;
    const fits = certainty ? `${from}: the weights may stay as they are.` : `${from} nothing can be told yet: like some matches and leave others.`;
    write(byId("feedback-note"), telling.length ? `${from}, ${sureness(certainty)}.` : fits);
    this.#offer(telling.length > 0);
  }

  /** What is saved under a name weighs one reference. */
  #offer(visible) {
    show(byId("feedback-accept"), visible);
    show(byId("feedback-save"), visible && this.#query.voices.length === 1);
  }

  #nameOf(place) {
    const { voices, tags } = this.#query;
    return place < voices.length ? titleOf(voices[place].track) : `Tag ${tags[place - voices.length].tag}`;
  }

  #rowOf(change) {
    const row = stamp("row-change");
    row.dataset.hue = this.#query.hueOf(this.#query.asked.split(","), change.space);
    row.classList.toggle("less", change.new < change.old);
    write(row.querySelector(".name"), change.space);
    write(row.querySelector(".old"), short(change.old));
    write(row.querySelector(".new"), short(change.new));
    write(row.querySelector(".reason"), change.why);
    return row;
  }

  #accept() {
    const rounds = [...this.#earlier, { encoders: this.#query.asked, round: this.#round }].slice(-MOST_EARLIER);
    this.#query.weighAll(this.#proposed);
    this.#earlier = rounds;
    this.#forgetMarks();
    byId("matches").focus();
  }
}

const short = (weight) => String(Math.round(100 * weight) / 100).replace("-", "\u2212");

function sureness(certainty) {
  if (certainty < GUESS) return "a first guess: judge a few more";
  return certainty < FOUND ? "fairly sure" : "sure";
}
