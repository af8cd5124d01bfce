// Which tracks are selected. Emits "change".

export class Selection extends EventTarget {
  #ids = new Set();
  #last = null;

  get ids() {
    return [...this.#ids];
  }

  has(id) {
    return this.#ids.has(id);
  }

  /**
   * Select or leave out a track.
   * @param through all ids in their order, to go the whole way from the one before; null for this one alone
   */
  set(id, wanted, through = null) {
    for (const each of this.#between(id, through)) this.#mark(each, wanted);
    this.#last = id;
    this.dispatchEvent(new Event("change"));
  }

  /** Select or leave out all of these. */
  setAll(ids, wanted) {
    for (const id of ids) this.#mark(id, wanted);
    this.dispatchEvent(new Event("change"));
  }

  clear() {
    this.#ids.clear();
    this.#last = null;
    this.dispatchEvent(new Event("change"));
  }

  #mark(id, wanted) {
    if (wanted) this.#ids.add(id);
    else this.#ids.delete(id);
  }

  #between(id, through) {
    const [from, to] = [through?.indexOf(this.#last) ?? -1, through?.indexOf(id) ?? -1];
    return from < 0 || to < 0 ? [id] : through.slice(Math.min(from, to), Math.max(from, to) + 1);
  }
}
