// The queue, as it moves.

import { byId, show } from "./dom.js";
import { outcomeOf, withEach } from "./each.js";
import { plural } from "./format.js";
import { JobList } from "./jobs/list.js";
import { Subjects } from "./jobs/subjects.js";
import { Tiles } from "./jobs/tiles.js";
import { firstOf } from "./listing.js";
import { api, connection, events, toasts } from "./page.js";

const NONE_FAILED = "No job has failed. What was cancelled is tried again one by one.";

const tiles = new Tiles(api);
const list = new JobList(api, new Subjects(api), toasts);

async function retryAll() {
  const progress = byId("retry-progress");
  byId("retry-all").disabled = true;
  show(progress, true);
  try {
    const { items: failed } = await firstOf(api, "/v1/jobs", { state: "failed" }, Infinity);
    const outcome = await withEach(failed, (job) => api.post(`/v1/jobs/${job.id}/retry`), (share) => {
      progress.value = share;
    });
    toasts.say(failed.length ? outcomeOf(outcome, (done) => `${plural(done, "job")} queued again`) : NONE_FAILED, {
      kind: outcome.failures.length ? "bad" : "good",
    });
  } catch (error) {
    toasts.fail(error);
  }
  show(progress, false);
  byId("retry-all").disabled = false;
  look();
}

function look() {
  tiles.refresh();
  return list.reload();
}

byId("retry-all").addEventListener("click", retryAll);
connection.addEventListener("back", look);
events.addEventListener("open", look);
events.addEventListener("change", ({ detail: change }) => {
  tiles.refresh();
  if (change === null) {
    if (!events.isLive) list.reload();
  } else if (change.job) list.take(change.job);
});

await Promise.all([tiles.load(), list.reload()]);
events.start();
