// The keys of the library: made, shown once, listed, revoked. Emits "kept" when somebody has kept the secret of a new one.

import { confirmed } from "../confirm.js";
import { byId, show, stamp, write } from "../dom.js";

const DAY_MS = 86_400_000;
const COPIED_MS = 2000;
const DAY = { dateStyle: "medium" };

export class Keys extends EventTarget {
  #api;
  #toasts;
  #form = byId("new-key-form");
  #dialog = byId("secret-dialog");
  #secret = byId("secret");

  constructor(api, toasts) {
    super();
    this.#api = api;
    this.#toasts = toasts;
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#make();
    });
    byId("secret-copy").addEventListener("click", () => this.#copy());
    this.#dialog.addEventListener("close", () => {
      this.#secret.value = "";
      this.dispatchEvent(new Event("kept"));
    });
  }

  /** Whether the secret of a new key is to be seen, this once. */
  get showsSecret() {
    return this.#dialog.open;
  }

  /**
   * Keys can be made from now on: a first one that is no admin's would lock everybody out.
   * @param isOpen whether nobody needs a key yet
   */
  warn(isOpen) {
    show(byId("keys-open"), isOpen);
    this.#form.elements.scope.querySelector("[value=admin]").defaultSelected = isOpen; // what was chosen stays
    byId("new-key-make").disabled = false;
  }

  async load() {
    try {
      const { items } = await this.#api.get("/v1/keys");
      byId("key-list").replaceChildren(...items.map((key) => this.#row(key)));
      show(byId("keys-table"), items.length > 0);
      write(byId("keys-note"), items.length ? "" : "There is no key yet.");
      if (items.length) show(byId("keys-open"), false);
    } catch (error) {
      write(byId("keys-note"), error.message);
    }
  }

  #row(key) {
    const row = stamp("row-key");
    const isExpired = key.expires_at && new Date(key.expires_at) < Date.now();
    write(row.querySelector(".title"), key.name);
    write(row.querySelector(".scope"), key.scope);
    write(row.querySelector(".made"), new Date(key.created_at).toLocaleDateString(undefined, DAY));
    write(row.querySelector(".expires"), expiryOf(key, isExpired));
    row.classList.toggle("expired", Boolean(isExpired));
    row.querySelector(".revoke").setAttribute("aria-label", `Revoke ${key.name.slice(0, 80)}`);
    row.querySelector(".revoke").addEventListener("click", () => this.#revoke(key));
    return row;
  }

  async #make() {
    const { name, scope, days } = this.#form.elements;
    const expiry = days.value ? { expires_at: new Date(Date.now() + Number(days.value) * DAY_MS).toISOString() } : {};
    try {
      const { secret } = await this.#api.post("/v1/keys", { name: name.value.trim(), scope: scope.value, ...expiry });
      this.#form.reset();
      this.#secret.value = secret;
      write(byId("secret-copied"), "Copy");
      this.#dialog.showModal();
      this.#secret.select();
    } catch (error) {
      this.#toasts.fail(error);
    }
  }

  async #copy() {
    const isCopied = await copied(this.#secret);
    write(byId("secret-copied"), isCopied ? "Copied" : "Press Ctrl+C or ⌘C");
    if (isCopied) setTimeout(() => write(byId("secret-copied"), "Copy"), COPIED_MS);
  }

  async #revoke(key) {
    const sure = await confirmed({
      title: `Revoke “${key.name.slice(0, 80)}”?`,
      text: "Whoever uses this key is refused at once. A revoked key does not come back.",
      action: "Revoke",
    });
    if (!sure) return;
    try {
      await this.#api.delete(`/v1/keys/${key.id}`);
      this.#toasts.say("The key is revoked");
      await this.load();
    } catch (error) {
      this.#toasts.fail(error);
    }
  }
}

/** Copy what a field holds; resolves to whether that was allowed. */
async function copied(field) {
  try {
    await navigator.clipboard.writeText(field.value);
    return true;
  } catch {
    field.focus();
    field.select();
    return document.execCommand("copy"); // where the clipboard is for secure addresses only
  }
}

function expiryOf(key, isExpired) {
  if (!key.expires_at) return "never";
  const day = new Date(key.expires_at).toLocaleDateString(undefined, DAY);
  return isExpired ? `expired on ${day}` : day;
}
