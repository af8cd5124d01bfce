// One track: heard, seen, described, and what is like it.

import { confirmed } from "./confirm.js";
import { byId, show, write } from "./dom.js";
import { makersOf, titleOf } from "./format.js";
import { api, connection, events, player, toasts } from "./page.js";
import { showSounding } from "./player.js";
import { Details } from "./track/details.js";
import { drawFacts } from "./track/facts.js";
import { Part } from "./track/part.js";
import { Similar } from "./track/similar.js";
import { drawSpaces } from "./track/spaces.js";
import { Tags } from "./track/tags.js";
import { Wave } from "./track/wave.js";
import { Work } from "./track/work.js";

const LEAST_HEARD = 0.1;

const id = decodeURIComponent(location.pathname.split("/")[2]);
const path = `/v1/tracks/${encodeURIComponent(id)}`;
const wave = new Wave();
const part = new Part(api, wave, player);
const details = new Details(api);
const tags = new Tags(api);
const similar = new Similar(api, player);
const work = new Work(api, toasts);
let track = null;
let leaving = false;

function draw(fresh) {
  track = fresh;
  document.title = `${titleOf(track).slice(0, 80)} · Soundkin`;
  write(byId("track-title").firstElementChild, titleOf(track));
  write(byId("track-note"), makersOf(track));
  byId("track-similar").href = `/#track=${track.id}`;
  byId("track-download").href = `${path}/audio`;
  byId("track-download").download = track.filename;
  byId("track-play").disabled = !track.has_audio;
  show(byId("track-similar"), track.state === "ready");
  show(byId("track-download"), track.has_audio);
  for (const element of ["track-actions", "track-body"]) show(byId(element), true);
  show(byId("track-loading"), false);
  details.show(track);
  tags.show(track);
  part.show(track);
  drawFacts(track);
  markSounding();
}

/** Load the track, and what is known about it once it is ready. */
async function load() {
  if (leaving) return undefined; // the news of its end is about our own deletion
  try {
    draw(await api.get(path));
  } catch (error) {
    return fail(error);
  }
  return Promise.all([work.load(track), drawWave(), ...(track.state === "ready" ? [similar.load(track), listen()] : [])]);
}

function fail(error) {
  write(byId("track-note"), "");
  show(byId("track-loading"), false);
  if (track && error.status !== 404) return toasts.fail(error);
  for (const element of ["track-actions", "track-body", "work"]) show(byId(element), false);
  write(byId("track-missing-text"), error.message);
  return show(byId("track-missing"), true);
}

async function drawWave() {
  const measured = track.state === "ready" ? await api.get(`${path}/waveform`).catch(() => null) : null;
  wave.show(measured?.peaks ?? null, measured?.duration_s ?? track.analysis?.duration_s ?? 0);
}

/** What each encoder hears in it: tags, and what stands out in each of its spaces. */
async function listen() {
  const { items } = await api.get("/v1/encoders").catch(() => ({ items: [] }));
  const pictures = await Promise.all(items.filter(({ state }) => state === "ready").map(picture));
  const known = pictures.filter(Boolean);
  tags.hear(known.flatMap(({ heard }) => heard.kept_spaces.flatMap((space) => heard.spaces[space])));
  drawSpaces(known);
}

/** `null` for an encoder that has not heard the track yet. */
async function picture(encoder) {
  const query = `encoder=${encodeURIComponent(encoder.name)}`;
  const hasComponents = Object.keys(encoder.components).length > 0;
  const nameless = hasComponents ? api.get(`/v1/encoders/${encodeURIComponent(encoder.name)}/components?tracks=0`) : null;
  const [heard, embedding, components] = await Promise.all([
    api.get(`${path}/tags?${query}&min_confidence=${LEAST_HEARD}`).catch(() => null),
    api.get(`${path}/embedding?${query}`).catch(() => null),
    nameless?.catch(() => null),
  ]);
  return heard && embedding ? { encoder, heard, vectors: embedding.spaces, components: components?.items ?? [] } : null;
}

function markSounding() {
  if (!track) return;
  const sounding = player.isPlaying(track.id);
  showSounding(byId("track-play"), sounding, sounding ? "Pause the track" : "Play the track");
  wave.moveTo(player.secondsOf(track.id));
}

async function remove() {
  const sure = await confirmed({
    title: `Delete ${titleOf(track).slice(0, 80)}?`,
    text: "Its audio, vectors and tags are removed for good.",
    action: "Delete",
  });
  if (!sure) return;
  try {
    leaving = true;
    await api.delete(path);
    location.assign("/library");
  } catch (error) {
    leaving = false;
    toasts.fail(error);
  }
}

byId("track-play").addEventListener("click", () => player.toggle(track));
byId("track-delete").addEventListener("click", remove);
wave.addEventListener("seek", ({ detail: second }) => track?.has_audio && player.playFrom(track, second));
wave.addEventListener("toggle", () => track?.has_audio && player.toggle(track));
for (const name of ["change", "move"]) player.addEventListener(name, markSounding);
for (const editor of [details, tags]) editor.addEventListener("change", ({ detail }) => draw(detail));
connection.addEventListener("back", load);
events.addEventListener("open", () => track?.state === "pending" && load());
events.addEventListener("change", ({ detail: change }) => {
  if (change?.job?.subject === id) work.show(change.job);
  if (change === null ? track?.state === "pending" : change.subject === id && change.kind.startsWith("track.")) load();
});

await Promise.all([load(), tags.offer()]);
events.start();
