// The page put together.

import { Catalogue } from "./catalogue.js";
import { sendClip } from "./clip.js";
import { Counts } from "./counts.js";
import { byId, debounced, show, write } from "./dom.js";
import { guardAgainstDrops, takeFiles } from "./drop.js";
import { Encoders } from "./encoders.js";
import { Filters } from "./filters.js";
import { Matches } from "./matches.js";
import { Mix } from "./mix.js";
import { api, connection, events, player, toasts } from "./page.js";
import { Reference } from "./reference.js";
import { Search } from "./search.js";
import { readAddress, writeAddress } from "./search/address.js";
import { canBecomeBrief, openBrief } from "./search/brief_draft.js";
import { Feedback } from "./search/feedback.js";
import { isClip, MOST_REFERENCES, Query } from "./search/query.js";
import { TagAdder } from "./search/tag_adder.js";
import { Weightings } from "./search/weightings.js";
import { Uploads } from "./uploads.js";

const ADDRESS_MS = 250;

const query = new Query();
const reference = new Reference(player, query);
const mix = new Mix(query, player);
const filters = new Filters(api);
const encoders = new Encoders(api);
const search = new Search(api, query, filters);
const matches = new Matches({ api, player, query, search });
const weightings = new Weightings(api, query, toasts);
const feedback = new Feedback(api, query, search, (weights) => weightings.save(weights));
const tagAdder = new TagAdder(query);
const catalogue = new Catalogue(api, player);
const uploads = new Uploads(api, connection);
const counts = new Counts(api, encoders);
let coming = null; // what stops the reference that is on its way: a clip being sent, or a track looked up
let opening = true; // until the address that was opened has been followed
let following = false;

/** The address of the search as it stands. */
function address() {
  const references = query.voices.map(({ track, part, weights }) => ({ kind: isClip(track) ? "clip" : "track", id: track.id, part, weights: movedOf(weights) }));
  const encoder = query.encoder && !query.encoder.is_default ? query.encoder.name : null;
  return writeAddress({ references, tags: query.tags, encoder, fields: filters.fields });
}

function movedOf(weights) {
  const usual = new Map(query.dimensions.map((dimension) => [dimension.name, dimension.usual]));
  return Object.fromEntries(Object.entries(weights).filter(([name, weight]) => usual.has(name) && weight !== usual.get(name)));
}

/** Let the address say what is searched: a new step back for new terms, none for a slider that moves. */
function keepAddress({ step }) {
  const wanted = address();
  if (following || (opening && query.isEmpty) || location.hash === wanted) return;
  const target = wanted || location.pathname;
  if (step) history.pushState(null, "", target);
  else history.replaceState(null, "", target);
}

const keepAddressSoon = debounced(() => keepAddress({ step: false }), ADDRESS_MS);

async function followAddress() {
  const state = readAddress(location.hash);
  if (!state) {
    // A link within the page is no search; only an empty address means the start.
    if (location.hash) history.replaceState(null, "", address() || location.pathname);
    else if (!query.isEmpty) apply({ fields: {} }, [], []);
    return;
  }
  const followed = location.hash;
  if (followed === address()) return;
  const taken = state.references.slice(0, MOST_REFERENCES);
  const found = await Promise.allSettled(taken.map(({ kind, id }) => api.get(`/v1/${kind}s/${id}`)));
  if (location.hash !== followed) return; // something else was chosen in the meantime
  const references = taken.map((each, place) => ({ ...each, track: found[place].value })).filter(({ track }) => track);
  const lost = found.filter(({ status }) => status === "rejected").map(({ reason }) => reason.message);
  apply(state, references, state.tags);
  if (taken.length < state.references.length) toasts.say(`Only the first ${MOST_REFERENCES} of ${state.references.length} references are taken.`);
  if (!lost.length) return;
  if (query.isEmpty) matches.fail(lost.join(" "));
  else lost.forEach((message) => toasts.say(message, { kind: "bad" }));
}

function apply({ encoder = null, fields }, references, tags) {
  following = true;
  filters.fields = fields;
  encoders.use(encoder);
  query.set(references, tags);
  following = false;
}

/** Begin to fetch a reference in place of the one that is on its way. */
function begin() {
  coming?.abort();
  coming = new AbortController();
  return coming.signal;
}

function compareWith(track) {
  coming?.abort();
  query.replace(track);
}

/** Compare with a track that was sent from here: by now more is known of it than when it came. */
async function compareWithSent({ id }) {
  try {
    compareWith(await api.get(`/v1/tracks/${id}`, begin()));
  } catch (error) {
    toasts.fail(error);
  }
}

/** Look again what is known of a reference, and search with it once that is possible. */
async function lookAgain(track) {
  const fresh = await api.get(`/v1/${isClip(track) ? "clips" : "tracks"}/${track.id}`).catch(() => track);
  if (fresh.state === "pending") return;
  query.renew(fresh);
  drawReferences();
  search.now();
}

/** Whether a change, or null for any, may have brought news of a track. */
function bringsNews(change, track) {
  if (change === null) return track.state === "pending";
  return change.kind === "track.embedded" && change.subject === track.id;
}

function drawReferences() {
  reference.draw();
  filters.reference = query.voices[0]?.track ?? null;
}

function compareAlsoWith(track) {
  if (!query.add(track)) toasts.say(`More than ${MOST_REFERENCES} references cannot be compared with at once.`, { kind: "bad" });
}

/** Send a clip: `tell` hears how far it is, or why it cannot be used, and `taken` gets it. */
async function sendAnd(file, tell, taken) {
  if (!file) return;
  const signal = begin();
  try {
    const onProgress = (note) => signal.aborted || tell(note);
    onProgress("Sending");
    taken(await sendClip(api, file, { onProgress, signal }));
  } catch (error) {
    if (!signal.aborted) tell(error.message);
  }
}

const searchByClip = ([file]) => sendAnd(file, (note) => reference.tell(file.name, note), compareWith);

const addClip = ([file]) => sendAnd(file, (note) => write(byId("adders-note"), `${file.name}: ${note}`), compareAlsoWith);

takeFiles("drop-tracks", "pick-tracks", (files) => uploads.add(files));
takeFiles("drop-clip", "pick-clip", searchByClip);
takeFiles("drop-voice", "pick-voice", addClip);
guardAgainstDrops();

catalogue.addEventListener("choose", ({ detail }) => compareWith(detail));
uploads.addEventListener("choose", ({ detail }) => compareWithSent(detail));
for (const source of [catalogue, matches]) source.addEventListener("add", ({ detail }) => compareAlsoWith(detail));
matches.addEventListener("use", ({ detail }) => compareWith(detail));
matches.addEventListener("judge", ({ detail }) => feedback.judge(detail));
feedback.addEventListener("judged", () => matches.markJudged(feedback.judged));
addEventListener("popstate", followAddress);

query.addEventListener("terms", () => {
  keepAddress({ step: true });
  drawReferences();
  if (!query.isEmpty) reference.bringIntoView();
  write(byId("adders-note"), "");
  catalogue.mark(query.voices.map(({ track }) => track.id));
  filters.reveal(!query.isEmpty);
  byId("matches").classList.toggle("one-weight", !query.voices.length && query.tags.length === 1);
  show(byId("drop-voice"), !query.isEmpty);
  feedback.clear();
  weightings.draw();
  if (query.isEmpty) matches.clear();
  search.anew();
});
query.addEventListener("weights", () => {
  keepAddressSoon();
  search.soon();
});
filters.addEventListener("change", () => {
  keepAddressSoon();
  search.soon();
});
encoders.addEventListener("choose", ({ detail: chosen }) => {
  const others = encoders.ready.filter(({ id }) => id !== chosen.id);
  show(byId("components-link"), encoders.ready.some(({ components }) => Object.keys(components).length > 0));
  tagAdder.use([chosen, ...others]);
  counts.load();
  if (!query.use(chosen, others)) search.now();
});

byId("matches-more").addEventListener("click", () => search.more());
byId("make-brief").addEventListener("click", () => openBrief(query, filters));
byId("empty-clear").addEventListener("click", () => relax(() => filters.clear()));
byId("empty-lift").addEventListener("click", () => relax(() => filters.liftCeiling()));

search.addEventListener("asking", () => matches.expect());
search.addEventListener("answer", ({ detail: answer }) => {
  mix.showShares(answer.query);
  matches.show(answer);
  matches.markJudged(feedback.judged);
  settle(search.mayHaveMore(answer.matches.length));
});
search.addEventListener("trouble", ({ detail: message }) => {
  matches.fail(message);
  settle(false);
});

/** The button that asks for it goes once something is found: the focus must not go with it. */
function relax(change) {
  change();
  byId("matches").focus();
}

/** Offer what goes with an answer, or helps where there is none. */
function settle(hasMore) {
  show(byId("matches-more"), hasMore);
  show(byId("make-brief"), canBecomeBrief(query));
  show(byId("empty-clear"), filters.tree !== null);
  show(byId("empty-lift"), "max_similarity" in filters.options);
}

events.addEventListener("change", ({ detail: change }) => {
  uploads.heard(change);
  if (change === null ? catalogue.hasPending || !events.isLive : change.kind.startsWith("track.")) {
    catalogue.refresh(change ?? {});
    counts.refresh();
  }
  if (change?.kind === "encoder.updated") encoders.load();
  for (const { track } of query.voices) if (bringsNews(change, track)) lookAgain(track);
});
/** Look at everything anew: nobody told of what has changed. */
function lookAround() {
  catalogue.refresh();
  counts.refresh();
}
uploads.addEventListener("change", lookAround);
events.addEventListener("open", lookAround);
connection.addEventListener("back", () => {
  catalogue.refresh();
  encoders.load();
  feedback.listen();
});

await Promise.all([catalogue.reload(), counts.load(), encoders.load(), weightings.load()]);
events.start();
await followAddress();
opening = false;
