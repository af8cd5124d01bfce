// Settings: the theme, who may do what, and how the service stands.

import { byId, write } from "./dom.js";
import { api, connection, events, theme, toasts } from "./page.js";
import { Keys } from "./settings/keys.js";
import { allows, drawSession } from "./settings/session.js";
import { Standing } from "./settings/standing.js";
import { drawConfigured, drawCounts } from "./settings/state.js";
import { Weightings } from "./settings/weightings.js";

const keys = new Keys(api, toasts);
const standing = new Standing(api, toasts);
const weightings = new Weightings(api, toasts);

function showTheme() {
  byId("theme-form").querySelector(`[value="${theme.chosen}"]`).checked = true;
}

/** Load what there is to show. While a secret is shown nothing is asked: the answer could ask for a key in its place. */
async function load() {
  if (!keys.showsSecret) await Promise.all([loadForCaller(), weightings.load(), drawCounts(api)]);
}

async function loadForCaller() {
  try {
    const session = await api.get("/v1/session");
    drawSession(session);
    keys.warn(session.open);
    const isAdmin = allows(session, "admin");
    await Promise.all([standing.load(isAdmin), ...(isAdmin ? [keys.load(), drawConfigured(api)] : [])]);
  } catch (error) {
    write(byId("session-note"), error.message);
  }
}

async function logOut() {
  try {
    await api.delete("/v1/session");
    location.reload();
  } catch (error) {
    toasts.fail(error);
  }
}

byId("theme-form").addEventListener("change", ({ target }) => theme.choose(target.value));
theme.addEventListener("change", showTheme);
byId("log-out").addEventListener("click", logOut);
keys.addEventListener("kept", load);
connection.addEventListener("back", load);
events.addEventListener("change", ({ detail: change }) => {
  if (keys.showsSecret) return;
  if (change?.kind === "encoder.updated") standing.load();
  if (change === null) drawCounts(api);
});

showTheme();
await load();
events.start();
