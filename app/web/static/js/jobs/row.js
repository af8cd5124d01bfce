// A job as a row: what it is about, how far it is, why it failed, and what can be done.

import { show, stamp, write } from "../dom.js";
import { clock, percent, plural } from "../format.js";

const STATES = { queued: "waiting" };
const KINDS = { embed_track: "new track", embed_clip: "clip", reembed: "another encoder", map: "map" };
const TIME = { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit" };
const SECOND_MS = 1000;
const MINUTE_S = 60;

/** What can be done with a job: {label, path} or null. */
export function actionOf(job) {
  if (job.state === "queued" || job.state === "running") return { label: "Cancel", path: `/v1/jobs/${job.id}/cancel` };
  if (job.state === "failed" || job.state === "cancelled") return { label: "Try again", path: `/v1/jobs/${job.id}/retry` };
  return null;
}

export function newRow(act) {
  const row = stamp("row-job");
  row.querySelector(".act").addEventListener("click", () => act(row.job));
  return row;
}

/** @param subject {title, address} */
export function fillRow(row, job, subject) {
  const action = actionOf(job);
  const isRunning = job.state === "running";
  const link = row.querySelector(".title a");
  row.job = job;
  row.dataset.id = job.id;
  row.querySelector(".badge").dataset.state = job.state;
  write(row.querySelector(".badge"), STATES[job.state] ?? job.state);
  write(link.firstElementChild, subject.title);
  if (subject.address) link.href = subject.address;
  else link.removeAttribute("href");
  write(row.querySelector(".facts"), factsOf(job));
  write(row.querySelector(".reason"), job.error?.message);
  show(row.querySelector(".reason"), Boolean(job.error) && job.state !== "done");
  write(row.querySelector(".stage"), isRunning ? `${job.stage ?? "starting"}, ${percent(job.progress)}` : "");
  row.querySelector("progress").value = job.progress;
  row.querySelector("progress").setAttribute("aria-label", subject.title.slice(0, 80));
  show(row.querySelector(".how-far"), isRunning);
  write(row.querySelector(".act"), action?.label);
  row.querySelector(".act").setAttribute("aria-label", `${action?.label}: ${subject.title.slice(0, 80)}`);
  show(row.querySelector(".act"), action !== null);
}

function factsOf(job) {
  const tries = job.attempts + job.crashes + job.losses;
  const facts = [
    KINDS[job.kind] ?? job.kind,
    new Date(job.created_at).toLocaleString(undefined, TIME),
    job.state === "done" ? `took ${timeTaken(job)}` : null,
    tries > 1 ? `tried ${plural(tries, "time")}` : null,
  ];
  return facts.filter(Boolean).join(" · ");
}

function timeTaken({ started_at: start, finished_at: end }) {
  const taken_s = (new Date(end) - new Date(start)) / SECOND_MS;
  return taken_s < MINUTE_S ? `${taken_s.toFixed(1)} s` : clock(taken_s);
}
