// How the service stands: counts, indexes, room on the disk, and what is configured.

import { byId, show, write } from "../dom.js";
import { fillFacts } from "../facts.js";
import { count, percent, size } from "../format.js";

const NEARLY_FULL = 0.9;

export async function drawCounts(api) {
  const stats = await api.get("/v1/stats").catch(() => null);
  if (!stats) return;
  const { ready = 0, pending = 0, failed = 0 } = stats.tracks;
  fillFacts(byId("stats-facts"), [
    ["Tracks", count(ready)],
    ["On the way", pending ? count(pending) : null],
    ["Failed", failed ? count(failed) : null],
    ...stats.index.indexes.map((index) => [`Index ${index.encoder}`, indexInWords(index)]),
    ["Indexes", stats.index.caught_up ? "have caught up" : behind(stats.index.lag)],
    ["Trouble", stats.index.trouble],
  ]);
  drawDisk(stats.disk);
}

/** `null` is what other libraries than the default one are told. */
const behind = (lag) => (lag === null ? "are catching up" : `${count(lag)} changes behind`);

const indexInWords = ({ tracks, details }) => `${count(tracks)} tracks${details.bytes ? `, ${size(details.bytes)}` : ""}`;

function drawDisk(disk) {
  show(byId("disk"), Boolean(disk));
  if (!disk) return;
  const used = 1 - disk.free_bytes / disk.total_bytes;
  byId("disk-used").style.width = percent(used).replace(" ", "");
  byId("disk").classList.toggle("full", used > NEARLY_FULL);
  write(byId("disk-note"), `${size(disk.free_bytes)} of the disk are free, of ${size(disk.total_bytes)}`);
}

/** The settings of the service, for admins. */
export async function drawConfigured(api) {
  try {
    const { items } = await api.get("/v1/settings");
    byId("configured-list").replaceChildren(...items.map(settingOf));
    write(byId("configured-note"), "");
  } catch (error) {
    write(byId("configured-note"), error.message);
  }
  show(byId("configured-note"), byId("configured-note").textContent !== "");
}

function settingOf({ name, value, description }) {
  const row = document.createElement("div");
  const parts = [["dt", name], ["dd", value === null || value === "" ? "not set" : value], ["dd", description]];
  row.append(
    ...parts.map(([kind, text]) => {
      const element = document.createElement(kind);
      write(element, text);
      return element;
    }),
  );
  row.children[1].classList.toggle("unset", value === null || value === "");
  row.lastElementChild.className = "note";
  return row;
}
