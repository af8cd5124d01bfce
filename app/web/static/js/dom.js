// Finding and stamping elements. Text always goes in as text, never as markup.

const LONGEST_TEXT = 300;
const SELDOM_MS = 1000;

/** The element with this id. */
export const byId = (id) => document.getElementById(id);

/** A fresh copy of the first element in the template with this id. */
export const stamp = (id) => byId(id).content.firstElementChild.cloneNode(true);

/** Write text, cut where nobody would read on; what was cut is not kept in the page. */
export function write(element, text) {
  const whole = String(text ?? "");
  const shown = whole.length > LONGEST_TEXT ? `${whole.slice(0, LONGEST_TEXT)}…` : whole;
  if (element.textContent !== shown) element.textContent = shown;
}

/** Show or hide. */
export function show(element, visible) {
  element.hidden = !visible;
}

/** Make these the rows of a list. Those in place stay where they are: a row that is moved loses the focus. */
export function arrange(list, rows) {
  const kept = new Set(rows);
  for (const row of [...list.children]) if (!kept.has(row)) row.remove();
  rows.forEach((row, place) => {
    const there = list.children[place];
    if (there !== row) list.insertBefore(row, there ?? null);
  });
}

/** Fill a range input's rail from one share of its length to another, each 0 to 1. */
export function fillRail(input, from, to) {
  input.style.setProperty("--from", `${100 * Math.min(from, to)}%`);
  input.style.setProperty("--to", `${100 * Math.max(from, to)}%`);
}

/** Call `action` once, `delay_ms` after the last of a series of calls. */
export function debounced(action, delay_ms) {
  let timer;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(action, delay_ms);
  };
}

/** Call `action` once for all calls before the next frame: changes may come faster than anybody can read. */
export function oncePerFrame(action) {
  let isDue = false;
  return () => {
    if (isDue) return;
    isDue = true;
    requestAnimationFrame(() => {
      isDue = false;
      action();
    });
  };
}

/** Call `action` once for all calls of a second: when the time before has ended, and not while nobody sees the page. */
export function seldom(action) {
  let isDue = false;
  let ended = null;
  return async () => {
    if (isDue) return;
    isDue = true;
    await Promise.allSettled([ended, new Promise((resolve) => setTimeout(resolve, SELDOM_MS))]);
    await seen();
    isDue = false;
    ended = action();
  };
}

/** Resolves when the page is seen; at once if it is. */
function seen() {
  if (!document.hidden) return Promise.resolve();
  return new Promise((resolve) => document.addEventListener("visibilitychange", resolve, { once: true }));
}
