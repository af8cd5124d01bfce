// The page of the map.

import { byId, show, write } from "./dom.js";
import { count, makersOf, percent, plural, titleOf } from "./format.js";
import { Atlas } from "./map/atlas.js";
import { Chart, queryOf } from "./map/chart.js";
import { Clusters } from "./map/clusters.js";
import { byCluster, byKey, byTag, byTempo, tagCounts } from "./map/grouping.js";
import { Hand } from "./map/hand.js";
import { Legend } from "./map/legend.js";
import { Picture } from "./map/picture.js";
import { showQuality } from "./map/quality.js";
import { Selection } from "./map/selection.js";
import { TrackCard } from "./map/trackcard.js";
import { View } from "./map/view.js";
import { api, connection, events, player, theme, toasts } from "./page.js";
import { ago } from "./time.js";
import { Weights, weightsInWords } from "./weights.js";

const NOTHING_TO_MAP = {
  title: "Nothing to map yet",
  text: "The map shows every track of the library by what it sounds like. Add some music first.",
  library: true,
};
const NOT_DRAWN = {
  title: "This map was not drawn yet",
  text: "It lays out every track of the library, so that those which sound alike lie together. Drawing it takes a moment.",
  action: "Draw the map",
};

const canvas = byId("map-canvas");
const view = new View();
const picture = new Picture(canvas, view);
const hand = new Hand(canvas, view);
const chart = new Chart(api);
const legend = new Legend();
const clusters = new Clusters(player);
const selection = new Selection(player);
const card = new TrackCard(api, player);
const weights = new Weights(byId("draw-weights"), byId("draw-encoder"));
let atlas = null;

const colouring = () => document.querySelector("[name=colouring]:checked").value;

/** Colour the points as is chosen, in the colours of the theme. */
function colour() {
  if (!atlas) return;
  const found = chart.map.clusters;
  const ways = {
    cluster: () => byCluster(atlas, found),
    tag: () => byTag(atlas, byId("colour-tag").value),
    tempo: () => byTempo(atlas),
    key: () => byKey(atlas),
  };
  const grouping = ways[colouring()]();
  show(byId("colour-tag-field"), colouring() === "tag");
  picture.only = -1;
  picture.showsNames = byId("show-names").checked;
  picture.show(atlas, grouping, found);
  legend.show(grouping);
}

function showMap(map) {
  if (!map.points) forget();
  drawHead(map);
  showQuality(map.clustering);
  if (!map.points) return;
  atlas = new Atlas(map.points);
  picture.selected = null;
  [picture.hovered, picture.chosen] = [-1, -1];
  show(byId("selection"), false);
  const tags = tagCounts(atlas);
  byId("colour-tag").replaceChildren(...tags.map(({ tag, label }) => new Option(label, tag)));
  document.querySelector("[name=colouring][value=tag]").disabled = !tags.length;
  colour();
  clusters.show(atlas, map.clusters, byCluster(atlas, map.clusters).groups);
  say(atlas.size ? null : { title: "No track is on this map", text: "Add music to the library, and draw the map again." });
  followAddress();
}

/** The map that was open is another one than the one that is now being drawn. */
function forget() {
  atlas = null;
  show(byId("clusters"), false);
}

function drawHead(map) {
  const drawn = map.drawn_at ? `drawn ${ago(map.drawn_at)}` : null;
  const tracks = map.points && plural(map.tracks, "track");
  const leftOut = map.left_out > 0 && `${count(map.left_out)} more have no room on it`;
  write(byId("map-note"), [tracks, leftOut, `by ${spacesInWords(map.weights)} as ${map.encoder} hears them`, drawn].filter(Boolean).join(" · "));
  const stale = map.state === "ready" && (map.stale || map.behind > 0);
  show(byId("map-stale"), stale);
  const change = map.behind === 1 ? "1 track has come or gone" : `${count(map.behind)} tracks have come or gone`;
  write(byId("map-stale-note"), map.behind ? `${change} since this map was drawn.` : "Something has changed since this map was drawn.");
  if (map.state === "drawing") showJob(map.job, map.note);
  else if (map.state === "failed") showFailure(map.job);
  else show(byId("map-drawing"), false);
}

function showJob(job, note = null) {
  show(byId("map-drawing"), true);
  show(byId("map-stale"), false);
  const waits = !job || job.state === "queued";
  const how = waits ? (note ?? "The map waits for a worker…") : `Drawing the map: ${job.stage ?? "starting"}, ${percent(job.progress)}`;
  write(byId("map-drawing-note"), how);
  byId("map-drawing-bar").value = job?.progress ?? 0;
  if (!atlas) say({ title: "The map is being drawn", text: "You may leave this page; the drawing goes on." });
}

function showFailure(job) {
  show(byId("map-drawing"), false);
  const reason = job?.error?.message ?? "The drawing was cancelled or failed.";
  if (atlas) toasts.say(`The map could not be drawn anew: ${reason}`, { kind: "bad" });
  else say({ title: "The map could not be drawn", text: reason, action: "Try again" });
}

/** Say something in place of the map; null shows the map. */
function say(message) {
  show(byId("map-message"), message !== null);
  write(byId("map-message-title"), message?.title);
  write(byId("map-message-text"), message?.text);
  write(byId("map-message-act"), message?.action);
  show(byId("map-message-act"), Boolean(message?.action));
  show(byId("map-message-library"), Boolean(message?.library));
  byId("map-grid").classList.toggle("waiting", message !== null);
}

async function sayMissing() {
  const stats = await api.get("/v1/stats").catch(() => null);
  const isEmpty = stats !== null && !stats.tracks.ready;
  say(isEmpty ? NOTHING_TO_MAP : NOT_DRAWN);
  write(byId("map-note"), "");
}

async function draw(choice) {
  try {
    await chart.draw(choice);
    history.replaceState(null, "", addressOf(choice));
  } catch (error) {
    toasts.fail(error);
  }
}

const addressOf = (choice) => `${location.pathname}?${queryOf(choice)}`.replace(/\?$/, "");

function offerMaps(maps) {
  const choices = maps.map((map) => ({ encoder: map.encoder, weights: map.weights }));
  const own = JSON.stringify({ encoder: chart.map?.encoder, weights: chart.map?.weights });
  const options = choices.map((choice) => new Option(nameOf(choice), JSON.stringify(choice), false, JSON.stringify(choice) === own));
  byId("map-choice").replaceChildren(...options);
  show(byId("map-choice-field"), maps.length > 1);
}

const nameOf = ({ encoder, weights: by }) => `${encoder}: ${spacesInWords(by)}`;

/** "genre, mood and key alike", or with shares where they differ. */
function spacesInWords(by) {
  const names = Object.keys(by);
  if (new Set(Object.values(by)).size > 1) return weightsInWords(by);
  return names.length === 1 ? `${names[0]} alone` : `${names.slice(0, -1).join(", ")} and ${names.at(-1)} alike`;
}

function openTrack(index) {
  if (index < 0) return;
  const track = atlas.track(index);
  picture.chosen = index;
  picture.repaint();
  card.show(track, atlas.tags[index]);
  if (track.has_audio) player.toggle(track);
}

function select(indices) {
  picture.selected = indices.length ? new Set(indices) : null;
  picture.repaint();
  selection.show(atlas, indices);
}

function pointAt(place) {
  const index = place && atlas ? atlas.nearest(...view.toMap(place), picture.reach) : -1;
  if (index !== picture.hovered) {
    picture.hovered = index;
    picture.repaint();
  }
  const tip = byId("map-tip");
  show(tip, index >= 0);
  if (index < 0) return;
  const track = atlas.track(index);
  write(tip.querySelector(".title"), titleOf(track));
  write(tip.querySelector(".note"), makersOf(track));
  tip.style.left = `${Math.min(place[0] + 14, view.width - tip.offsetWidth - 8)}px`;
  tip.style.top = `${Math.max(8, place[1] - tip.offsetHeight - 10)}px`;
}

/** `#track=<id>` centres on a track. */
function followAddress() {
  const [, id] = location.hash.match(/^#track=([\w-]+)$/) ?? [];
  const index = id && atlas ? atlas.indexOf(id) : -1;
  if (index >= 0) {
    view.centre(atlas.x[index], atlas.y[index]);
    picture.chosen = index;
    card.show(atlas.track(index), atlas.tags[index]);
  } else if (id && atlas) toasts.say("That track is not on this map: it may have come after it was drawn.");
}

async function openDrawing() {
  byId("draw-dialog").showModal();
  try {
    const { items } = await api.get("/v1/encoders");
    weights.offer(items.filter(({ state }) => state === "ready"));
    weights.set(chart.map?.encoder ?? chart.choice.encoder, chart.map?.weights ?? chart.choice.weights);
  } catch (error) {
    toasts.fail(error);
  }
}

hand.addEventListener("point", ({ detail: place }) => pointAt(place));
hand.addEventListener("leave", () => pointAt(null));
hand.addEventListener("open", ({ detail: place }) => atlas && openTrack(atlas.nearest(...view.toMap(place), picture.reach)));
hand.addEventListener("centre", () => {
  const [middle, reach] = [[view.width / 2, view.height / 2], Math.max(view.width, view.height) / view.scale];
  if (atlas) openTrack(atlas.nearest(...view.toMap(middle), reach));
});
hand.addEventListener("draw", ({ detail: line }) => {
  picture.lasso = line;
  picture.repaint();
});
hand.addEventListener("drawn", ({ detail: line }) => atlas && select(atlas.inside(line.map((place) => view.toMap(place)))));
canvas.addEventListener("focus", () => {
  picture.crosshair = canvas.matches(":focus-visible");
  picture.repaint();
});
canvas.addEventListener("blur", () => {
  picture.crosshair = false;
  picture.repaint();
});

legend.addEventListener("only", ({ detail: group }) => {
  picture.only = group;
  picture.repaint();
});
clusters.addEventListener("select", ({ detail: cluster }) => {
  select(atlas.of(cluster));
  byId("selection-title").focus();
});
selection.addEventListener("clear", () => {
  picture.selected = null;
  picture.repaint();
  canvas.focus();
});
for (const input of document.querySelectorAll("[name=colouring]")) input.addEventListener("change", colour);
byId("colour-tag").addEventListener("change", colour);
byId("show-names").addEventListener("change", colour);
theme.addEventListener("change", colour);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", colour);
for (const input of document.querySelectorAll("[name=hand]")) {
  input.addEventListener("change", () => {
    hand.lassoes = document.querySelector("[name=hand]:checked").value === "lasso";
    byId("map-stage").classList.toggle("lassoing", hand.lassoes);
  });
}
byId("zoom-in").addEventListener("click", () => view.zoomBy(1.6));
byId("zoom-out").addEventListener("click", () => view.zoomBy(1 / 1.6));
byId("zoom-fit").addEventListener("click", () => view.fit());

chart.addEventListener("map", ({ detail: map }) => showMap(map));
chart.addEventListener("maps", ({ detail: maps }) => offerMaps(maps));
chart.addEventListener("drawing", ({ detail: job }) => (job.state === "failed" ? showFailure(job) : showJob(job)));
chart.addEventListener("trouble", ({ detail: { error, isMissing } }) => {
  if (isMissing) sayMissing();
  else say({ title: "The map cannot be shown", text: error.message, action: null });
});
byId("map-choice").addEventListener("change", (event) => {
  const choice = JSON.parse(event.target.value);
  history.replaceState(null, "", addressOf(choice));
  chart.open(choice);
});
for (const id of ["map-again", "map-message-act"]) byId(id).addEventListener("click", () => draw(chart.choice));
byId("map-draw").addEventListener("click", openDrawing);
byId("draw-cancel").addEventListener("click", () => byId("draw-dialog").close());
byId("draw-form").addEventListener("submit", (event) => {
  event.preventDefault();
  byId("draw-dialog").close();
  draw({ encoder: weights.encoder, weights: weights.weights });
});
events.addEventListener("change", ({ detail: change }) => change?.job && chart.heard(change.job));
connection.addEventListener("back", () => chart.open(chart.choice));
addEventListener("hashchange", followAddress);

const asked = new URLSearchParams(location.search);
function weightsOf(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
await chart.open({ encoder: asked.get("encoder"), weights: weightsOf(asked.get("weights")) });
events.start();
