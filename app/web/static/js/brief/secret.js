// The secret of a new webhook, shown once.

import { byId, write } from "../dom.js";

/** Show the secret until somebody says that it is kept. */
export async function showSecret(secret) {
  const [dialog, field, button] = [byId("secret-dialog"), byId("secret"), byId("secret-copy")];
  field.value = secret;
  write(byId("secret-note"), "");
  button.onclick = () => copy(field);
  dialog.showModal();
  await new Promise((resolve) => {
    dialog.addEventListener("close", resolve, { once: true });
  });
  field.value = "";
}

async function copy(field) {
  field.select();
  try {
    await navigator.clipboard.writeText(field.value);
    write(byId("secret-note"), "Copied.");
  } catch {
    // Browsers allow it only over https: the text is selected, so the keys do it.
    write(byId("secret-note"), "It is selected: copy it with Ctrl+C or ⌘C.");
  }
}
