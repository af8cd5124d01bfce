// The search: reference, mix and filters in, matches out. Only the answer to the latest question counts.
// Emits "asking", "answer" with the answer, and "trouble" with a message.

import { Unreachable } from "./api.js";
import { debounced } from "./dom.js";

const SETTLE_MS = 90;
const PAGE = 20;
const MOST = 200;
const ALL_IGNORED = "Every dimension is ignored. Raise at least one slider.";

export class Search extends EventTarget {
  #api;
  #mix;
  #filters;
  #reference = null;
  #encoder = null;
  #k = PAGE;
  #asking = null;

  constructor(api, mix, filters) {
    super();
    this.#api = api;
    this.#mix = mix;
    this.#filters = filters;
  }

  /** Ask again, once the sliders have come to rest for a moment. */
  soon = debounced(() => this.now(), SETTLE_MS);

  /** Search from another track or clip, from the first page on. */
  from(reference) {
    this.#reference = reference;
    this.#k = PAGE;
    this.now();
  }

  with(encoder) {
    this.#encoder = encoder;
    this.now();
  }

  more() {
    this.#k = Math.min(this.#k + PAGE, MOST);
    this.now();
  }

  /** Whether an answer with so many matches may go on. */
  mayHaveMore(matches) {
    return matches === this.#k && this.#k < MOST;
  }

  async now() {
    this.#asking?.abort();
    if (!this.#reference || !this.#encoder) return;
    if (!Object.keys(this.#mix.weights).length) {
      this.#emit("trouble", ALL_IGNORED);
      return;
    }
    const asking = new AbortController();
    this.#asking = asking;
    this.#emit("asking");
    try {
      const answer = await this.#api.post("/v1/search", this.#question(), asking.signal);
      if (asking === this.#asking) this.#emit("answer", answer);
    } catch (error) {
      // While the service is away the banner says so, and the last answer stays.
      if (asking !== this.#asking || error.name === "AbortError" || error instanceof Unreachable) return;
      this.#emit("trouble", error.message);
    }
  }

  #question() {
    const kind = "expires_at" in this.#reference ? "clip" : "track";
    const question = {
      encoder: this.#encoder.name,
      terms: [{ [kind]: this.#reference.id, weights: this.#mix.weights }],
      k: this.#k,
    };
    return this.#filters.isActive ? { ...question, filter: this.#filters.tree } : question;
  }

  #emit(name, detail = null) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}
