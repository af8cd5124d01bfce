// A list of facts: names and values, side by side.

import { write } from "./dom.js";

/** Fill a <dl> with [name, value] pairs; those with the value null are left out. */
export function fillFacts(list, facts) {
  const known = facts.filter(([, value]) => value !== null && value !== undefined);
  list.replaceChildren(...known.flatMap(([name, value]) => [element("dt", name), element("dd", value)]));
}

function element(kind, text) {
  const made = document.createElement(kind);
  write(made, text);
  return made;
}
