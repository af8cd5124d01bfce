// A brief on the desk: what it asks, what its latest run found, and what was decided. Emits "brief", "running",
// "answer", "decisions", "trouble" with an error, and "grown" with how many matches a run would now find anew.

const KEPT = "soundkin.brief-run."; // with the brief's id: the latest answer, so that reloading runs nothing

export class Desk extends EventTarget {
  #api;
  #id;
  #running = 0;
  brief = null;
  answer = null;
  /** By id of the track: {track, verdict, reason, decided_at}, the latest last. */
  decisions = new Map();

  constructor(api, id) {
    super();
    this.#api = api;
    this.#id = id;
  }

  get path() {
    return `/v1/briefs/${this.#id}`;
  }

  /** Read the brief and its decisions, and run it unless this tab has the latest run. */
  async open() {
    try {
      await this.refresh();
    } catch (error) {
      return this.#emit("trouble", error);
    }
    const kept = this.#kept();
    if (kept) {
      this.#take(kept);
      await this.#look();
    } else if (this.brief.reference) await this.run();
  }

  /** See whether a run would find anything new, without running. */
  async #look() {
    const { new: fresh } = await this.#api.post(`${this.path}/run?remember=false`).catch(() => ({ new: 0 }));
    if (fresh) this.#emit("grown", fresh);
  }

  /** Read the brief and its decisions again. */
  async refresh() {
    const [brief, { items }] = await Promise.all([this.#api.get(this.path), this.#api.get(`${this.path}/decisions`)]);
    this.brief = brief;
    this.decisions = new Map(items.map((decision) => [decision.track.id, decision]));
    this.#emit("brief");
    this.#emit("decisions");
  }

  /** Ask again; what was not found before is new. */
  async run() {
    const running = ++this.#running;
    this.#emit("running");
    try {
      const answer = await this.#api.post(`${this.path}/run`);
      await this.refresh();
      if (running !== this.#running) return;
      this.#keep(answer);
      this.#take(answer);
    } catch (error) {
      if (running === this.#running) this.#emit("trouble", error);
    }
  }

  /** Shortlist or reject a track. */
  async decide(track, verdict, reason = "") {
    await this.#api.put(`${this.path}/decisions/${track.id}`, { verdict, reason });
    this.decisions.delete(track.id);
    this.decisions.set(track.id, { track, verdict, reason, decided_at: new Date().toISOString() });
    this.#emit("decisions");
  }

  /** Take a decision back. */
  async undo(track) {
    await this.#api.delete(`${this.path}/decisions/${track.id}`);
    this.decisions.delete(track.id);
    this.#emit("decisions");
  }

  /** Take the brief as it was saved, and run it. */
  async ask(brief) {
    this.brief = brief;
    this.#emit("brief");
    await this.run();
  }

  /** Ask for something else, and run. */
  async change(request) {
    await this.ask(await this.#api.patch(this.path, { request }));
  }

  /** Ask with these weights by space, one for each term of the search, and run. */
  weigh([ofReference, ...ofTerms]) {
    const { reference, terms = [], ...request } = this.brief.request;
    const weighed = terms.map((term, place) => (term.tag ? { ...term, weight: Object.values(ofTerms[place])[0] } : { ...term, weights: ofTerms[place] }));
    return this.change({ ...request, reference: { ...reference, weights: ofReference }, ...(terms.length ? { terms: weighed } : {}) });
  }

  delete() {
    return this.#api.delete(this.path);
  }

  /** What the search is that this brief makes, as feedback takes it. */
  get search() {
    const { encoder, reference, terms = [] } = this.brief.request;
    return { ...(encoder ? { encoder } : {}), terms: [reference, ...terms] };
  }

  #take(answer) {
    this.answer = answer;
    this.#emit("answer");
  }

  /** What an answer belongs to: the same request, run at the same time. */
  get #stamp() {
    return JSON.stringify([this.brief.request, this.brief.last_run_at]);
  }

  #keep(answer) {
    try {
      sessionStorage.setItem(KEPT + this.#id, JSON.stringify({ stamp: this.#stamp, answer }));
    } catch {
      // No space: the next visit runs it again.
    }
  }

  #kept() {
    try {
      const { stamp, answer } = JSON.parse(sessionStorage.getItem(KEPT + this.#id));
      return stamp === this.#stamp ? answer : null;
    } catch {
      return null;
    }
  }

  #emit(name, detail = null) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}
