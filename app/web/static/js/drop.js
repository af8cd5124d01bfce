// The two places where files can be dropped or picked. Folders are walked through; hidden files are left out.

import { byId } from "./dom.js";

/** Call `taken(files)` with what is dropped on the label or picked through its input. */
export function takeFiles(labelId, inputId, taken) {
  const [label, input] = [byId(labelId), byId(inputId)];
  input.addEventListener("change", () => {
    taken([...input.files]);
    input.value = "";
  });
  for (const name of ["dragenter", "dragover", "dragleave", "drop"]) {
    label.addEventListener(name, (event) => {
      event.stopPropagation(); // a place may lie within another: the innermost takes what is dropped
      label.classList.toggle("over", name === "dragenter" || name === "dragover");
    });
  }
  label.addEventListener("drop", async (event) => taken(await filesOf(event.dataTransfer)));
}

/** A file that misses both places must not replace the page; while one hovers, the places show themselves. */
export function guardAgainstDrops() {
  const listen = (name, action) => addEventListener(name, action, { capture: true }); // the places keep it to themselves
  listen("dragover", (event) => {
    event.preventDefault();
    document.body.classList.add("dragging");
  });
  listen("dragleave", (event) => {
    if (!event.relatedTarget) document.body.classList.remove("dragging");
  });
  listen("drop", (event) => {
    event.preventDefault();
    document.body.classList.remove("dragging");
  });
}

async function filesOf(transfer) {
  // Entries must be taken before the first await: the transfer is emptied when the event ends.
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  const files = entries.length ? (await Promise.all(entries.map(walk))).flat() : [...transfer.files];
  return files.filter((file) => !file.name.startsWith("."));
}

async function walk(entry) {
  if (entry.isFile) return [await new Promise((resolve, reject) => entry.file(resolve, reject))];
  const reader = entry.createReader();
  const found = [];
  for (;;) {
    // A reader hands out a folder in portions and ends with an empty one.
    const portion = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!portion.length) return (await Promise.all(found.map(walk))).flat();
    found.push(...portion);
  }
}
