// The page put together.

import { Api } from "./api.js";
import { Catalogue } from "./catalogue.js";
import { sendClip } from "./clip.js";
import { Connection } from "./connection.js";
import { Counts } from "./counts.js";
import { byId, show } from "./dom.js";
import { guardAgainstDrops, takeFiles } from "./drop.js";
import { Encoders } from "./encoders.js";
import { Events } from "./events.js";
import { Filters } from "./filters.js";
import { Key } from "./key.js";
import { Matches } from "./matches.js";
import { Mix } from "./mix.js";
import { Player } from "./player.js";
import { Reference } from "./reference.js";
import { Search } from "./search.js";
import { Uploads } from "./uploads.js";

const connection = new Connection();
const key = new Key();
const api = new Api(key, connection);
const player = new Player(api);
const reference = new Reference(player);
const mix = new Mix();
const filters = new Filters();
const encoders = new Encoders(api);
const search = new Search(api, mix, filters);
const matches = new Matches(player);
const catalogue = new Catalogue(api, player);
const uploads = new Uploads(api, connection);
const counts = new Counts(api, encoders);
const events = new Events(key);
let sendingClip = null;

/** Search from a track or clip, and let the address say so, so that reloading and going back work. */
function compareWith(track) {
  sendingClip?.abort();
  const kind = "expires_at" in track ? "clip" : "track";
  if (location.hash !== `#${kind}=${track.id}`) history.pushState(null, "", `#${kind}=${track.id}`);
  reference.show(track);
  catalogue.mark(track.id);
  mix.reveal();
  filters.reveal();
  search.from(track);
}

async function followAddress() {
  const [, kind, id] = location.hash.match(/^#(track|clip)=([\w-]+)$/) ?? [];
  if (!id || id === reference.track?.id) return;
  try {
    compareWith(await api.get(`/v1/${kind}s/${id}`));
  } catch (error) {
    matches.fail(error.message);
  }
}

async function searchByClip([file]) {
  if (!file) return;
  sendingClip?.abort();
  const sending = new AbortController();
  sendingClip = sending;
  catalogue.mark(null);
  try {
    const onProgress = (note) => sending.signal.aborted || reference.tell(file.name, note);
    onProgress("Sending");
    compareWith(await sendClip(api, file, { onProgress, signal: sending.signal }));
  } catch (error) {
    if (!sending.signal.aborted) reference.tell(file.name, error.message);
  }
}

takeFiles("drop-tracks", "pick-tracks", (files) => uploads.add(files));
takeFiles("drop-clip", "pick-clip", searchByClip);
guardAgainstDrops();

for (const source of [catalogue, uploads]) {
  source.addEventListener("choose", (event) => compareWith(event.detail));
}
matches.addEventListener("use", (event) => compareWith(event.detail));
addEventListener("popstate", followAddress);

mix.addEventListener("change", () => search.soon());
filters.addEventListener("change", () => search.soon());
encoders.addEventListener("choose", (event) => {
  mix.use(event.detail, encoders.ready.filter(({ id }) => id !== event.detail.id));
  show(byId("components-link"), encoders.ready.some(({ components }) => Object.keys(components).length > 0));
  counts.load();
  search.with(event.detail);
});
byId("matches-more").addEventListener("click", () => search.more());

search.addEventListener("asking", () => matches.expect());
search.addEventListener("answer", ({ detail: answer }) => {
  mix.showShares(answer.query);
  matches.show(answer, mix.hues(answer.query));
  show(byId("matches-more"), search.mayHaveMore(answer.matches.length));
});
search.addEventListener("trouble", ({ detail: message }) => {
  matches.fail(message);
  show(byId("matches-more"), false);
});

events.addEventListener("change", ({ detail: change }) => {
  uploads.heard(change);
  if (change === null ? catalogue.hasPending || !events.isLive : change.kind.startsWith("track.")) {
    catalogue.refresh(change ?? {});
    counts.refresh();
  }
  if (change?.kind === "encoder.updated") encoders.load();
  if (change?.kind === "track.embedded" && change.subject === reference.track?.id) search.now();
});
uploads.addEventListener("change", () => {
  catalogue.refresh();
  counts.refresh();
});
connection.addEventListener("back", () => {
  catalogue.refresh();
  encoders.load();
});

await Promise.all([catalogue.reload(), counts.load(), encoders.load()]);
events.start();
await followAddress();
