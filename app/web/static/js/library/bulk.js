// What can be done with all tracks that are selected: edit, try again, delete.

import { confirmed } from "../confirm.js";
import { byId, show, write } from "../dom.js";
import { outcomeOf, withEach } from "../each.js";
import { count, folded, plural } from "../format.js";
import { listed } from "./query.js";

export class Bulk {
  #api;
  #selection;
  #table;
  #toasts;

  constructor(api, selection, table, toasts) {
    this.#api = api;
    this.#selection = selection;
    this.#table = table;
    this.#toasts = toasts;
    selection.addEventListener("change", () => this.#draw());
    table.addEventListener("drawn", () => this.#draw());
    byId("bulk-clear").addEventListener("click", () => selection.clear());
    byId("bulk-delete").addEventListener("click", () => this.#delete());
    byId("bulk-retry").addEventListener("click", () => this.#retry());
    byId("bulk-edit").addEventListener("click", () => this.#ask());
    byId("edit-dialog").addEventListener("close", ({ target }) => target.returnValue === "save" && this.#edit());
  }

  get #failed() {
    return this.#selection.ids.filter((id) => this.#table.track(id)?.state === "failed");
  }

  #draw() {
    const { length } = this.#selection.ids;
    show(byId("bulk"), length > 0);
    show(byId("bulk-retry"), this.#failed.length > 0);
    write(byId("bulk-count"), `${count(length)} selected`);
  }

  async #delete() {
    const { ids } = this.#selection;
    const sure = await confirmed({
      title: `Delete ${plural(ids.length, "track")}?`,
      text: "Their audio, vectors and tags are removed for good. Briefs and searches no longer find them.",
      action: "Delete",
    });
    if (!sure) return;
    const gone = [];
    await this.#run(ids, (done) => `${plural(done, "track")} deleted`, async (id) => {
      await this.#api.delete(`/v1/tracks/${id}`);
      gone.push(id);
    });
    this.#table.drop(gone);
    this.#selection.setAll(gone, false);
  }

  #retry() {
    return this.#run(this.#failed, (done) => `${plural(done, "track")} queued again`, async (id) => {
      const { items } = await this.#api.get(`/v1/jobs?limit=1&subject=${id}`);
      await this.#api.post(`/v1/jobs/${items[0].id}/retry`);
    });
  }

  #ask() {
    byId("edit-form").reset();
    write(byId("edit-title"), `Edit ${plural(this.#selection.ids.length, "track")}`);
    byId("edit-dialog").returnValue = "";
    byId("edit-dialog").showModal();
  }

  #edit() {
    const { add, remove, licence } = byId("edit-form").elements;
    const [added, removed] = [listed(add.value), listed(remove.value)];
    const change = licence.value.trim() ? { licence: licence.value.trim() } : {};
    const hasTags = added.length + removed.length > 0;
    if (!hasTags && !Object.keys(change).length) return null;
    return this.#run(this.#selection.ids, (done) => `${plural(done, "track")} changed`, async (id) => {
      const tags = hasTags ? { tags: changed(await this.#tagsOf(id), added, removed) } : {};
      await this.#api.patch(`/v1/tracks/${id}`, { ...change, ...tags });
    });
  }

  /** As the service has them: those of the row may be older. */
  async #tagsOf(id) {
    const { metadata } = await this.#api.get(`/v1/tracks/${id}`);
    return metadata.tags;
  }

  async #run(ids, inWords, action) {
    const progress = byId("bulk-progress");
    show(progress, ids.length > 1);
    const outcome = await withEach(ids, action, (share) => {
      progress.value = share;
    });
    show(progress, false);
    this.#toasts.say(outcomeOf(outcome, inWords), { kind: outcome.failures.length ? "bad" : "good" });
    this.#table.refresh();
  }
}


/** Tags with some more and some less; the same word in another case is the same tag. */
function changed(tags, added, removed) {
  const gone = new Set(removed.map(folded));
  const all = new Map([...tags, ...added].map((tag) => [folded(tag), tag]).reverse());
  return [...all.values()].reverse().filter((tag) => !gone.has(folded(tag)));
}
