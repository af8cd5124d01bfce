// The page of components: one card for each kind of sound that an encoder has learnt.

import { Unreachable } from "./api.js";
import { byId, show, stamp, write } from "./dom.js";
import { Encoders } from "./encoders.js";
import { fine, makersOf, plural, titleOf } from "./format.js";
import { api, connection, player } from "./page.js";
import { showSounding } from "./player.js";

const HARDLY_USED = 0.002;
const TELLING = 1.1;
const LOOK_AGAIN_MS = 1000;
const TAGS_IN_TITLE = 3;
const NO_COMPONENTS =
  "No encoder of this service has components that could be read. The encoder hdpgmm has: add it to SOUNDKIN_ENCODERS.";

const encoders = new Encoders(api, (encoder) => Object.keys(encoder.components).length > 0);
const list = byId("component-list");
let showAll = false;
let asked = 0;

async function load(encoder) {
  const asking = ++asked;
  try {
    const answer = await api.get(`/v1/encoders/${encodeURIComponent(encoder.name)}/components`);
    if (asking === asked) draw(answer);
  } catch (error) {
    if (asking !== asked) return;
    write(byId("components-note"), error.message);
    if (error.passing || error instanceof Unreachable) setTimeout(() => asking === asked && load(encoder), LOOK_AGAIN_MS);
  }
}

function draw(answer) {
  write(byId("components-eyebrow"), `Encoder ${answer.encoder}`);
  write(byId("components-note"), introduction(answer));
  const most = Math.max(...answer.items.flatMap((item) => [item.share, item.learnt_share]));
  const used = answer.items.filter((item) => item.share >= HARDLY_USED);
  const shown = showAll || !used.length ? answer.items : used;
  list.replaceChildren(...shown.map((item) => card(item, most)));
  show(byId("components-more"), shown.length < answer.items.length);
  byId("components-more").onclick = () => {
    showAll = true;
    draw(answer);
  };
}

function introduction({ items, tracks }) {
  const used = items.filter((item) => item.share >= HARDLY_USED).length;
  const library = tracks ? `${plural(tracks, "track")} of this library are made of ${used} of them. ` : "No track of this library is embedded by it yet. ";
  return `The encoder has found ${items.length} kinds of sound by itself, without labels. ${library}Tags say what music uses a kind: ×2 is twice as much of it as other music has. A track is described by its shares of all kinds, and two tracks are alike where they share them.`;
}

function card(item, most) {
  const element = stamp("card-component");
  const telling = item.tags.filter(({ lift }) => lift >= TELLING);
  const names = telling.map(({ tag }) => tag);
  write(element.querySelector(".title"), names.slice(0, TAGS_IN_TITLE).join(" · ") || "No tag says it");
  element.classList.toggle("untagged", !names.length);
  write(element.querySelector(".number"), `no. ${item.component}`);
  element.querySelector(".tags").replaceChildren(...telling.map(tagOf));
  element.querySelector(".actual").style.width = `${(100 * item.share) / most}%`;
  element.querySelector(".learnt").style.left = `${(100 * item.learnt_share) / most}%`;
  write(element.querySelector(".amounts"), `${fine(item.share)} of this library, ${fine(item.learnt_share)} of what it was learnt from`);
  element.querySelector(".examples").replaceChildren(...item.tracks.map(example));
  return element;
}

function tagOf({ tag, lift }) {
  const element = stamp("row-tag");
  write(element.querySelector(".name"), tag);
  write(element.querySelector(".lift"), `×${lift.toFixed(1)}`);
  element.title = `Tracks with this tag use it ${lift.toFixed(2)} times as much as all tracks do`;
  return element;
}

function example({ track, share }) {
  const row = stamp("row-example");
  row.track = track;
  const button = row.querySelector(".play");
  button.disabled = !track.has_audio;
  button.addEventListener("click", () => player.toggle(track));
  row.querySelector(".pick").href = `/#track=${track.id}`;
  row.querySelector(".pick").title = "Find similar tracks";
  write(row.querySelector(".title"), titleOf(track));
  write(row.querySelector(".by"), makersOf(track));
  write(row.querySelector(".share"), fine(share));
  markSounding(row);
  return row;
}

function markSounding(row) {
  const sounding = player.isPlaying(row.track.id);
  showSounding(row.querySelector(".play"), sounding, `${sounding ? "Pause" : "Play"} ${titleOf(row.track).slice(0, 80)}`);
}

player.addEventListener("change", () => list.querySelectorAll(".example").forEach(markSounding));
encoders.addEventListener("choose", ({ detail }) => load(detail));
encoders.addEventListener("none", ({ detail: others }) => {
  write(byId("components-note"), others ? NO_COMPONENTS : "No encoder is there yet: the worker is starting.");
});
connection.addEventListener("back", () => encoders.load());

await encoders.load();
