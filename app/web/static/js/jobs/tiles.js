// The queue, the workers and their pace in numbers.

import { byId, seldom, show, write } from "../dom.js";
import { clock, count } from "../format.js";

const HOUR_S = 3600;

export class Tiles {
  #api;

  /** Look again soon, and not more often than once a second. */
  refresh = seldom(() => this.load());

  constructor(api) {
    this.#api = api;
  }

  async load() {
    const stats = await this.#api.get("/v1/stats").catch(() => null);
    if (!stats) return;
    const [queued, running] = ["queued", "running"].map((state) => stats.queue.filter((depth) => depth.state === state));
    const failed = stats.tracks.failed ?? 0;
    write(byId("tile-queued"), total(queued));
    write(byId("tile-oldest"), queued.length ? `the oldest for ${clock(Math.max(...queued.map((each) => each.oldest_age_s)))}` : "");
    write(byId("tile-running"), total(running));
    write(byId("tile-pace"), paceOf(stats.stages));
    write(byId("tile-failed"), count(failed));
    byId("tile-failed").classList.toggle("bad", failed > 0);
    write(byId("tile-failed-note"), failed ? "see why below, and try again" : "");
    drawWorkers(stats.workers);
    show(byId("retry-all"), failed > 0);
  }
}

/** Those of the service; only its default library is told of them. */
function drawWorkers(workers) {
  show(byId("tile-workers").closest(".tile"), workers !== null);
  if (workers === null) return;
  const alive = workers.filter((worker) => worker.alive);
  write(byId("tile-workers"), count(alive.length));
  write(byId("tile-devices"), alive.map(({ device, host }) => `${device} on ${host.split(":")[0]}`).join(", ") || "None is running: jobs wait.");
}

const total = (depths) => count(depths.reduce((sum, each) => sum + each.count, 0));

/** What a track has cost in all stages together, turned round. */
function paceOf(stages) {
  const each_s = Object.values(stages).reduce((sum, stage) => sum + (stage.tracks ? stage.seconds / stage.tracks : 0), 0);
  return each_s ? `about ${count(Math.round(HOUR_S / each_s))} tracks an hour per thread` : "";
}
