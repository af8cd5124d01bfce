// Who calls, and what they may do.

import { byId, show, stamp, write } from "../dom.js";
import { fillFacts } from "../facts.js";

const RANKS = ["read", "write", "admin"];
const TIME = { dateStyle: "medium", timeStyle: "short" };

/** Whether a session may do what this scope allows. */
export const allows = (session, scope) => RANKS.indexOf(session.scope) >= RANKS.indexOf(scope);

/** Show who calls; panels that ask for more than they may say so instead. */
export function drawSession(session) {
  const facts = session.open
    ? [["Key", "none is needed"]]
    : [["Scope", session.scope], ["Until", session.expires_at ? new Date(session.expires_at).toLocaleString(undefined, TIME) : null]];
  fillFacts(byId("session-facts"), [["Library", session.library.name], ...facts]);
  write(byId("session-note"), "");
  show(byId("log-out"), !session.open);
  for (const panel of document.querySelectorAll("[data-scope]")) {
    admit(panel);
    if (!allows(session, panel.dataset.scope)) refuse(panel, session);
  }
}

/** Take back what was refused to whoever called before. */
function admit(panel) {
  panel.querySelector(".needs")?.remove();
  for (const child of panel.querySelectorAll("[data-refused]")) {
    delete child.dataset.refused;
    show(child, true);
  }
}

function refuse(panel, session) {
  const notice = stamp("row-needs");
  write(notice.firstElementChild, `This takes a key with the scope ${panel.dataset.scope}; yours has ${session.scope}.`);
  for (const child of panel.querySelectorAll(":scope > :not(.panel-head, [hidden])")) {
    child.dataset.refused = "";
    show(child, false);
  }
  panel.append(notice);
}
