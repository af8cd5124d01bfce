// The page of all briefs.

import { COPY, copyOf } from "./brief/copy.js";
import { Gaps } from "./brief/gaps.js";
import { BriefForm } from "./brief/form.js";
import { BriefList } from "./brief/list.js";
import { showSecret } from "./brief/secret.js";
import { byId } from "./dom.js";
import { api, connection, player, toasts } from "./page.js";

const DRAFT = "soundkin.brief-draft"; // where the search page leaves a request for the form

const form = new BriefForm(api, player);
const list = new BriefList(api, player, toasts);
const gaps = new Gaps(api);

/** What was left in this tab for the form, which takes it. */
function taken(place) {
  const text = sessionStorage.getItem(place);
  sessionStorage.removeItem(place);
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function openForm() {
  if (location.hash !== "#new") return;
  history.replaceState(null, "", location.pathname);
  const request = taken(DRAFT);
  const copy = taken(COPY);
  form.open(null, copy ?? (request ? { request } : {}));
}

for (const button of [byId("brief-new"), byId("brief-first")]) button.addEventListener("click", () => form.open(null));
list.addEventListener("duplicate", ({ detail: brief }) => form.open(null, copyOf(brief)));
list.addEventListener("change", () => gaps.load());
form.addEventListener("saved", async ({ detail: brief }) => {
  if (brief.webhook?.secret) await showSecret(brief.webhook.secret);
  location.assign(`/briefs/${brief.id}`);
});
connection.addEventListener("back", () => Promise.all([list.load(), gaps.load()]));
addEventListener("hashchange", openForm);

openForm();
await Promise.all([list.load(), gaps.load()]);
