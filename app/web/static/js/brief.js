// The page of one brief.

import { Candidates } from "./brief/candidates.js";
import { COPY, copyOf } from "./brief/copy.js";
import { deletion } from "./brief/deletion.js";
import { Deliveries } from "./brief/deliveries.js";
import { Desk } from "./brief/desk.js";
import { BriefForm } from "./brief/form.js";
import { Judging } from "./brief/judging.js";
import { Keys } from "./brief/keys.js";
import { rowsOfLefts } from "./brief/lefts.js";
import { playable } from "./brief/reference.js";
import { scaleOf, shortTitle } from "./brief/row.js";
import { showSecret } from "./brief/secret.js";
import { Tabs } from "./brief/tabs.js";
import { asked, plainly } from "./brief/words.js";
import { confirmed } from "./confirm.js";
import { byId, show, write } from "./dom.js";
import { count, factsOf, makersOf, plural, titleOf } from "./format.js";
import { api, connection, player, toasts } from "./page.js";
import { showSounding } from "./player.js";
import { ago, inFull } from "./time.js";

const NOTHING = { spaces: [], most: 1 };
const EXPORTS = ["csv", "json", "m3u"];
const DELETED = "Its reference is no longer in the library, so there is nothing to compare with. What was decided is kept; choose another reference to go on.";

const desk = new Desk(api, location.pathname.split("/").pop());
const form = new BriefForm(api, player);
const tabs = new Tabs(byId("tabs"));
const judging = new Judging(api);
const deliveries = new Deliveries(api);
const matches = new Candidates(byId("match-list"), player);
const misses = new Candidates(byId("near-list"), player);
const shortlist = new Candidates(byId("shortlist"), player);
const rejected = new Candidates(byId("rejected"), player);
const lists = [matches, misses, shortlist, rejected];

function drawBrief() {
  const { brief } = desk;
  document.title = `${brief.name.slice(0, 80)} · Soundkin`;
  write(byId("brief-title").firstElementChild, brief.name);
  write(byId("brief-description"), brief.note);
  show(byId("brief-description"), Boolean(brief.note));
  show(byId("brief-actions"), true);
  show(byId("results"), true);
  show(byId("brief-ask"), Boolean(brief.reference));
  byId("brief-run").disabled = !brief.reference;
  if (brief.reference) drawReference(brief);
  else withoutReference();
  show(byId("exports"), Boolean(brief.reference) || tabs.open === "shortlist");
  for (const format of EXPORTS) {
    const what = tabs.open === "shortlist" ? "shortlist" : "matches";
    byId(`export-${format}`).href = `${desk.path}/export?format=${format}&what=${what}`;
    byId(`export-${format}`).setAttribute("aria-label", `Export the ${what} as ${format.toUpperCase()}`);
  }
  if (tabs.open === "webhook") deliveries.load(desk.path, brief);
}

function withoutReference() {
  trouble("The reference was deleted", DELETED, true);
  write(byId("brief-status"), "");
  write(byId("matches-empty"), "Matches come back with a new reference.");
  show(byId("matches-empty"), true);
}

function drawReference(brief) {
  show(byId("brief-trouble"), false);
  const { reference } = brief;
  write(byId("brief-reference"), titleOf(reference));
  write(byId("brief-reference-note"), [makersOf(reference), factsOf(reference), reference.metadata.licence].filter(Boolean).join(" · "));
  byId("brief-play").disabled = !reference.has_audio;
  byId("brief-asked").replaceChildren(...asked(brief.request).map(chipOf));
  drawPlaying();
}

function chipOf(text) {
  const chip = document.createElement("li");
  chip.className = "tag";
  write(chip, text);
  chip.title = chip.textContent;
  return chip;
}

function drawPlaying() {
  if (!desk.brief?.reference) return;
  const sounding = player.isPlaying(desk.brief.reference.id);
  showSounding(byId("brief-play"), sounding, sounding ? "Pause the reference" : "Play the reference");
}

function drawAnswer() {
  const { answer } = desk;
  const scale = scaleOf(answer);
  byId("results").classList.remove("busy");
  matches.show(answer.matches, scale);
  misses.show(answer.near_misses, scale);
  show(byId("near"), answer.near_misses.length > 0);
  write(byId("matches-empty"), plainly(answer.empty_because || "Nothing meets all of it."));
  show(byId("matches-empty"), !answer.matches.length);
  show(byId("lefts-card"), answer.constraints.length > 0);
  byId("lefts").replaceChildren(...rowsOfLefts(answer.constraints, answer.index.size));
  write(byId("lefts-note"), `${count(answer.matches.length)} of ${plural(answer.index.size, "track")} found with all of them together.`);
  drawStatus();
  mark();
}

/** @param waiting how many matches a run would now find anew */
function drawStatus(waiting = 0) {
  const { answer, brief } = desk;
  const found = answer.matches.length === 1 ? "1 match" : `${count(answer.matches.length)} matches`;
  const fresh = answer.new ? `${count(answer.new)} new since the run before` : null;
  const when = brief.last_run_at ? `ran ${ago(brief.last_run_at)}` : null;
  const more = waiting ? `${count(waiting)} more since: run it again` : null;
  write(byId("brief-status"), [found, fresh, when, more].filter(Boolean).join(" · "));
  byId("brief-status").title = brief.last_run_at ? inFull(brief.last_run_at) : "";
}

function drawDecisions() {
  const found = new Map([...(desk.answer?.matches ?? []), ...(desk.answer?.near_misses ?? [])].map((match) => [match.track.id, match]));
  const decided = [...desk.decisions.values()].reverse();
  const of = (verdict) => decided.filter((each) => each.verdict === verdict).map((each) => found.get(each.track.id) ?? { track: each.track });
  const scale = desk.answer ? scaleOf(desk.answer) : NOTHING;
  shortlist.show(of("shortlisted"), scale);
  rejected.show(of("rejected"), scale);
  show(byId("shortlist-empty"), !shortlist.rows.length);
  show(byId("rejected-empty"), !rejected.rows.length);
  mark();
}

function mark() {
  for (const list of lists) list.mark(desk.decisions, judging.judgements);
  const open = matches.rows.filter((row) => !row.classList.contains("rejected")).length;
  write(byId("tab-matches").querySelector(".tab-count"), open || "");
  write(byId("tab-shortlist").querySelector(".tab-count"), shortlist.rows.length || "");
  write(byId("tab-rejected").querySelector(".tab-count"), rejected.rows.length || "");
}

function trouble(title, text, offer = false) {
  write(byId("brief-trouble-title"), title);
  write(byId("brief-trouble-note"), text);
  show(byId("brief-trouble-act"), offer);
  show(byId("brief-trouble"), true);
}

function fail(error) {
  byId("results").classList.remove("busy");
  write(byId("brief-status"), "");
  if (error.status === 404 && !desk.brief) trouble("There is no such brief", "It may have been deleted, or belongs to another library.");
  else if (desk.brief && (desk.answer || !desk.brief.reference)) toasts.fail(error);
  else trouble("This cannot be answered now", error.message);
}

/** Do something to a track, say so, and offer to undo it. */
async function decide(track, action, said, offerUndo = true) {
  try {
    await action();
    const undo = { label: "Undo", run: () => decide(track, () => desk.undo(track), "Taken back", false) };
    toasts.say(`${said}: ${shortTitle(track)}`, offerUndo ? { action: undo } : {});
  } catch (error) {
    toasts.fail(error);
  }
}

for (const list of lists) {
  list.addEventListener("shortlist", ({ detail: { track } }) => decide(track, () => desk.decide(track, "shortlisted"), "Shortlisted"));
  list.addEventListener("reject", ({ detail: { track, reason } }) => decide(track, () => desk.decide(track, "rejected", reason), "Rejected"));
  list.addEventListener("undo", ({ detail: { track } }) => decide(track, () => desk.undo(track), "Taken back", false));
  list.addEventListener("judge", ({ detail: { track, judgement } }) => judging.judge(track.id, judgement));
}

desk.addEventListener("brief", drawBrief);
desk.addEventListener("decisions", drawDecisions);
desk.addEventListener("answer", () => {
  drawAnswer();
  drawDecisions();
});
desk.addEventListener("running", () => {
  byId("results").classList.add("busy");
  write(byId("brief-status"), "Looking…");
});
desk.addEventListener("grown", ({ detail: fresh }) => drawStatus(fresh));
desk.addEventListener("trouble", ({ detail: error }) => fail(error));

judging.addEventListener("change", mark);
judging.addEventListener("accept", async ({ detail: weights }) => {
  try {
    await desk.weigh(weights);
    judging.forget();
  } catch (error) {
    toasts.fail(error);
  }
});
byId("judging-ask").addEventListener("click", () => judging.ask(desk.search));

tabs.addEventListener("open", drawBrief);
player.addEventListener("change", drawPlaying);
byId("brief-play").addEventListener("click", () => player.toggle(playable(desk.brief), desk.brief.request.reference.segment ?? null));
byId("brief-run").addEventListener("click", () => desk.run());
for (const id of ["brief-edit", "brief-trouble-act"]) byId(id).addEventListener("click", () => form.open(desk.brief));
byId("brief-duplicate").addEventListener("click", () => {
  sessionStorage.setItem(COPY, JSON.stringify(copyOf(desk.brief)));
  location.assign("/briefs#new");
});
byId("brief-delete").addEventListener("click", async () => {
  if (!(await confirmed(deletion(desk.brief)))) return;
  try {
    await desk.delete();
    location.assign("/briefs");
  } catch (error) {
    toasts.fail(error);
  }
});
form.addEventListener("saved", async ({ detail: brief }) => {
  if (brief.webhook?.secret) await showSecret(brief.webhook.secret);
  judging.forget();
  await desk.ask(brief);
});
connection.addEventListener("back", () => desk.answer || desk.open());

new Keys(lists);
await desk.open();
