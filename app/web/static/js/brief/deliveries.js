// The webhook of a brief: where new matches are sent, and how the sending went.

import { byId, show, stamp, write } from "../dom.js";
import { ago, inFull } from "../time.js";

const NO_WEBHOOK = "No webhook: new matches are sent nowhere. Change the brief to name an address.";
const NOTHING_SENT = "Nothing was sent yet: a message goes out when the catalogue has grown and there are new matches.";

export class Deliveries {
  #api;

  constructor(api) {
    this.#api = api;
  }

  async load(path, brief) {
    const address = brief.webhook ? `New matches are sent to ${brief.webhook.url}.` : NO_WEBHOOK;
    write(byId("webhook-note"), address);
    try {
      const { items } = await this.#api.get(`${path}/deliveries`);
      byId("deliveries").replaceChildren(...items.map(rowOf));
      show(byId("deliveries-scroll"), items.length > 0);
      if (brief.webhook && !items.length) write(byId("webhook-note"), `${address} ${NOTHING_SENT}`);
    } catch (error) {
      write(byId("webhook-note"), `${address} ${error.message}`);
    }
  }
}

function rowOf(delivery) {
  const row = stamp("row-delivery");
  const { created_at: made, attempts, error } = delivery;
  write(row.querySelector(".made"), ago(made));
  row.querySelector(".made").title = inFull(made);
  const [state, words] = stateOf(delivery);
  const badge = row.querySelector(".badge");
  badge.dataset.state = state;
  write(badge, words);
  write(row.querySelector(".attempts"), attempts);
  write(row.querySelector(".error"), error);
  return row;
}

function stateOf({ delivered_at: delivered, due_at: due, attempts }) {
  if (delivered) return ["done", `delivered ${ago(delivered)}`];
  if (!due) return ["failed", "given up"];
  return attempts ? ["warn", `again ${ago(due)}`] : ["running", "on its way"];
}
