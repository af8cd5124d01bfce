// Finding and stamping elements. Text always goes in as text, never as markup.

const LONGEST_TEXT = 300;

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
