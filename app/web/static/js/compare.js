// The page that compares two encoders, or two weightings, on one query.

import { Unreachable } from "./api.js";
import { Combobox } from "./combobox.js";
import { drawLinks } from "./compare/links.js";
import { overlapAt, ranksOf } from "./compare/overlap.js";
import { Side } from "./compare/side.js";
import { loadViews, usualPair } from "./compare/views.js";
import { byId, show, write } from "./dom.js";
import { factsOf, makersOf, titleOf } from "./format.js";
import { api, connection, player } from "./page.js";
import { showSounding } from "./player.js";

const LOOKED = 100;
const OFFERED = 8;
const LOOK_AGAIN_MS = 2000;
const STEPS = [1, 5, 10, 20, 50];
const INVITATION = ["overlap", "overlap-note"].map((id) => byId(id).textContent);

const sides = { left: new Side("left", player), right: new Side("right", player) };
const choices = { left: byId("view-left"), right: byId("view-right") };
let views = [];
let reference = null;
let asked = 0;
let picked = 0; // how often a reference was chosen or asked for: an answer that comes late replaces none

const viewOn = (side) => views.find(({ key }) => key === choices[side].value);
const k = () => Number(byId("how-many").value);

async function load() {
  try {
    const loaded = await loadViews(api);
    views = loaded.views;
    show(byId("components-link"), loaded.encoders.some(({ components }) => Object.keys(components).length > 0));
    notice(loaded.encoders.length);
    if (!views.length) return void setTimeout(load, LOOK_AGAIN_MS);
    offer();
    compare();
  } catch (error) {
    if (!(error instanceof Unreachable)) say(error.message);
  }
}

function notice(encoders) {
  const words = [
    "No encoder is there yet: the worker is starting.",
    "There is one encoder only. To compare it with another, configure both, for example SOUNDKIN_ENCODERS=librosa,csn, and restart. Till then its dimensions can be compared with each other.",
  ];
  show(byId("compare-notice"), encoders < 2);
  write(byId("compare-notice"), words[encoders] ?? "");
}

function offer() {
  const wanted = asWanted();
  usualPair(views).forEach((usual, place) => {
    const side = ["left", "right"][place];
    choices[side].replaceChildren(...groupsOf(views));
    choices[side].value = views.some(({ key }) => key === wanted[side]) ? wanted[side] : usual.key;
    sides[side].describe(viewOn(side));
  });
}

function groupsOf(all) {
  return [...new Set(all.map(({ group }) => group))].map((name) => {
    const group = document.createElement("optgroup");
    group.label = name;
    group.append(...all.filter((view) => view.group === name).map(({ key, label }) => new Option(label, key)));
    return group;
  });
}

/** What the address asks for. */
function asWanted() {
  const given = new URLSearchParams(location.hash.slice(1));
  return { track: given.get("track"), left: given.get("left"), right: given.get("right"), k: given.get("k") };
}

function keepAddress(step) {
  const kept = { ...(reference && { track: reference.id }), left: choices.left.value, right: choices.right.value, k: k() };
  const hash = `#${Object.entries(kept).map(([name, value]) => `${name}=${encodeURIComponent(value).replaceAll("%2F", "/")}`).join("&")}`;
  if (hash === location.hash) return;
  if (step) history.pushState(null, "", hash);
  else history.replaceState(null, "", hash);
}

async function followAddress() {
  const wanted = asWanted();
  if (location.hash && !Object.values(wanted).some(Boolean)) return keepAddress(false); // a link within the page asks for nothing
  if ([...byId("how-many").options].some(({ value }) => value === wanted.k)) byId("how-many").value = wanted.k;
  if (views.length) offer();
  const picking = ++picked;
  if (!wanted.track) return views.length ? clear(...INVITATION) : undefined;
  try {
    const track = await api.get(`/v1/tracks/${encodeURIComponent(wanted.track)}`);
    if (picking === picked) choose(track);
  } catch (error) {
    if (picking === picked) clear(error.message);
  }
}

/** Compare nothing, and say why. */
function clear(words, note) {
  asked += 1;
  reference = null;
  show(byId("chosen"), false);
  for (const side of Object.values(sides)) side.fail("");
  drawLinks(byId("links"), new Map(), new Map(), 0);
  byId("sides").classList.remove("busy");
  say(words, note);
}

function choose(track) {
  picked += 1;
  reference = track;
  show(byId("chosen"), true);
  write(byId("chosen-title"), titleOf(track));
  write(byId("chosen-note"), [makersOf(track), factsOf(track)].filter(Boolean).join(" · "));
  byId("chosen-play").disabled = !track.has_audio;
  byId("chosen-search").href = `/#track=${track.id}`;
  markSounding();
  compare();
}

async function compare() {
  if (!reference || !views.length) return;
  const asking = ++asked;
  byId("sides").classList.add("busy");
  try {
    const answers = await answersOf(["left", "right"].map(viewOn));
    if (asking === asked) draw(...answers);
  } catch (error) {
    if (asking === asked && !(error instanceof Unreachable)) say(error.message);
  }
  if (asking === asked) byId("sides").classList.remove("busy");
}

/** Of each view the matches to show, and its ranking further down: {answer, ranks} or {problem}. */
async function answersOf(compared) {
  const searches = compared.flatMap(({ encoder, weights }) => {
    const question = { encoder: encoder.name, terms: [{ track: reference.id, ...(weights && { weights }) }] };
    return [{ ...question, k: k() }, { ...question, k: LOOKED, explain: false }];
  });
  const { answers } = await api.post("/v1/search/batch", { searches });
  return [0, 2].map((place) => ({ ...answers[place], ranks: ranksOf(answers[place + 1].answer?.matches ?? []) }));
}

function draw(left, right) {
  showSide("left", left, right.ranks);
  showSide("right", right, left.ranks);
  const both = left.answer && right.answer;
  const shown = both ? Math.min(k(), Math.max(left.ranks.size, right.ranks.size)) : 0;
  drawLinks(byId("links"), left.ranks, right.ranks, shown);
  if (!both) return say("One of them cannot answer", "");
  const steps = STEPS.filter((step) => step < shown).map((step) => `${overlapAt(step, left.ranks, right.ranks)} of the first ${step}`);
  say(
    `${overlapAt(shown, left.ranks, right.ranks)} of the first ${shown} are found by both`,
    steps.length ? `Further up: ${steps.join(", ")}.` : "",
  );
}

function showSide(side, { answer, problem }, other) {
  if (answer) sides[side].show(answer, k(), other, LOOKED);
  else sides[side].fail(problem.detail);
}

function say(words, note = "") {
  write(byId("overlap"), words);
  write(byId("overlap-note"), note);
}

function markSounding() {
  const sounding = reference !== null && player.isPlaying(reference.id);
  showSounding(byId("chosen-play"), sounding, sounding ? "Pause the reference" : "Play the reference");
}

function changed() {
  for (const side of ["left", "right"]) sides[side].describe(viewOn(side));
  keepAddress(false);
  compare();
}

const field = new Combobox(byId("reference-field"), async (text) => {
  const query = new URLSearchParams({ limit: OFFERED, state: "ready", ...(text && { text }) });
  const { items } = await api.get(`/v1/tracks?${query}`).catch(() => ({ items: [] }));
  return items.map((track) => ({ label: titleOf(track), detail: makersOf(track), track }));
});
field.addEventListener("pick", ({ detail }) => {
  choose(detail.track);
  keepAddress(true);
});
for (const choice of [...Object.values(choices), byId("how-many")]) choice.addEventListener("change", changed);
byId("swap-sides").addEventListener("click", () => {
  [choices.left.value, choices.right.value] = [choices.right.value, choices.left.value];
  changed();
});
byId("chosen-play").addEventListener("click", () => player.toggle(reference));
player.addEventListener("change", markSounding);
for (const side of Object.values(sides)) {
  side.addEventListener("point", ({ detail: id }) => {
    for (const each of Object.values(sides)) each.light(id);
    for (const link of byId("links").querySelectorAll("line")) link.classList.toggle("lit", link.dataset.id === id);
  });
}
addEventListener("popstate", followAddress);
connection.addEventListener("back", async () => {
  await load();
  if (!reference) followAddress();
});

await load();
await followAddress();
