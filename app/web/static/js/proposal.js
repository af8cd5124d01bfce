// Proposed weights as rows, under the name of the term that they are of where there are several.

import { stamp, write } from "./dom.js";

/** Terms of a proposal whose weights change so that it can be seen. */
export const changing = (terms) => terms.filter(({ changes }) => changes.length > 0);

/**
 * Rows of all changes.
 * @param nameOf says what the term at a place is called
 * @param rowOf makes a row of a change
 */
export function rowsOf(terms, nameOf, rowOf) {
  if (terms.length === 1) return terms[0].changes.map(rowOf);
  return changing(terms).map(({ term, changes }) => {
    const group = stamp("group-change");
    write(group.querySelector(".of bdi"), nameOf(term));
    group.querySelector(".changes").replaceChildren(...changes.map(rowOf));
    return group;
  });
}
