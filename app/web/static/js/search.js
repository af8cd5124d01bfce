// The search: query and filters in, matches out. Only the answer to the latest question counts.
// Emits "asking", "answer" with the answer, and "trouble" with a message.

import { Unreachable } from "./api.js";
import { debounced } from "./dom.js";

const SETTLE_MS = 90;
const PAGE = 20;
const MOST = 200;
const ALL_IGNORED = "Every dimension is ignored. Raise at least one slider.";

export class Search extends EventTarget {
  #api;
  #query;
  #filters;
  #k = PAGE;
  #asking = null;

  constructor(api, query, filters) {
    super();
    this.#api = api;
    this.#query = query;
    this.#filters = filters;
  }

  /** Ask again, once the sliders have come to rest for a moment. */
  soon = debounced(() => this.now(), SETTLE_MS);

  /** Ask something else, from the first page on. */
  anew() {
    this.#k = PAGE;
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

  /** The question as the service takes it. */
  get body() {
    const { tree, options } = this.#filters;
    const body = { encoder: this.#query.encoder.name, terms: this.#query.terms, k: this.#k, ...options };
    return tree ? { ...body, filter: tree } : body;
  }

  async now() {
    this.#asking?.abort();
    if (this.#query.isEmpty || !this.#query.encoder) return;
    if (!this.#query.terms.length) {
      this.#emit("trouble", ALL_IGNORED);
      return;
    }
    const asking = new AbortController();
    this.#asking = asking;
    this.#emit("asking");
    try {
      const answer = await this.#api.post("/v1/search", this.body, asking.signal);
      if (asking === this.#asking) this.#emit("answer", answer);
    } catch (error) {
      // While the service is away the banner says so, and the last answer stays.
      if (asking !== this.#asking || error.name === "AbortError" || error instanceof Unreachable) return;
      this.#emit("trouble", error.message);
    }
  }

  #emit(name, detail = null) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}
