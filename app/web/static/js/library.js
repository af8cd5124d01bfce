// The library: what there is, what comes in, and what can be done with it.

import { guardAgainstDrops, takeFiles } from "./drop.js";
import { byId, write } from "./dom.js";
import { count, plural } from "./format.js";
import { Bulk } from "./library/bulk.js";
import { LibraryQuery } from "./library/query.js";
import { Selection } from "./library/selection.js";
import { LibraryTable } from "./library/table.js";
import { api, connection, events, player, toasts } from "./page.js";
import { Uploads } from "./uploads.js";

const AUDIO = /\.(flac|mp3|ogg|oga|opus|m4a|mp4|aac|wav|aiff?|wv|ape|wma|webm|mka|mpc)$/i;

const query = new LibraryQuery();
const selection = new Selection();
const table = new LibraryTable(api, query, selection, player);
const uploads = new Uploads(api, connection);
new Bulk(api, selection, table, toasts);

async function showCounts() {
  const stats = await api.get("/v1/stats").catch(() => null);
  if (!stats) return;
  const { ready = 0, pending = 0, failed = 0 } = stats.tracks;
  const parts = [`${plural(ready, "track")} ready`];
  if (pending) parts.push(`${count(pending)} on the way`);
  if (failed) parts.push(`${count(failed)} failed`);
  write(byId("library-counts"), parts.join(" · "));
}

/** Folders hold covers and notes as well: they are left out, and that is said. */
function addFrom(files) {
  const audio = files.filter((file) => AUDIO.test(file.name) || /^audio\//.test(file.type));
  const others = files.length - audio.length;
  if (others) toasts.say(`${plural(others, "file")} left out: not audio, by the name`);
  if (audio.length) uploads.add(audio);
}

async function offerTags() {
  const { items } = await api.get("/v1/tags/counts?limit=200").catch(() => ({ items: [] }));
  byId("tag-names").replaceChildren(...items.map(({ tag }) => new Option("", tag)));
}

function look() {
  table.refresh();
  showCounts();
}

takeFiles("content", "pick-tracks", addFrom);
takeFiles("folder-button", "pick-folder", addFrom);
guardAgainstDrops();

query.addEventListener("change", () => {
  selection.clear();
  table.reload();
});
uploads.addEventListener("choose", ({ detail: track }) => location.assign(`/#track=${track.id}`));
uploads.addEventListener("change", look);
events.addEventListener("change", ({ detail: change }) => {
  uploads.heard(change);
  if (change === null ? !events.isLive : change.kind.startsWith("track.")) look();
});
connection.addEventListener("back", look);
events.addEventListener("open", look);

await Promise.all([table.reload(), showCounts(), offerTags()]);
events.start();
