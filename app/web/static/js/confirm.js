// Asks before something that cannot be undone.

import { byId, write } from "./dom.js";

/**
 * Ask whether to go on.
 * @param title the question; `text` says what follows from it, `action` is what the button that goes on says
 * @returns whether to
 */
export async function confirmed({ title, text, action }) {
  const dialog = byId("confirm-dialog");
  write(byId("confirm-title"), title);
  write(byId("confirm-text"), text);
  write(byId("confirm-sure"), action);
  dialog.returnValue = "";
  dialog.showModal();
  await new Promise((resolve) => {
    dialog.addEventListener("close", resolve, { once: true });
  });
  return dialog.returnValue === "sure";
}
