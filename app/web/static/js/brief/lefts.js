// How many tracks each condition leaves by itself: what cannot be met stands out.

import { stamp, write } from "../dom.js";
import { count, plural } from "../format.js";
import { labelOf } from "./words.js";

/** A row for each constraint; `total` is how many tracks there are, null where nobody knows. */
export function rowsOfLefts(constraints, total) {
  const most = total ?? Math.max(1, ...constraints.map(({ left }) => left));
  return constraints.map((constraint) => rowOf(constraint, most, total));
}

function rowOf({ name, wanted, left }, most, total) {
  const row = stamp("row-left");
  row.classList.toggle("none", left === 0);
  write(row.querySelector(".name"), labelOf(name));
  write(row.querySelector(".wanted"), wanted);
  row.querySelector(".wanted").title = wanted;
  row.querySelector(".actual").style.width = `${most ? (100 * Math.min(left, most)) / most : 0}%`;
  write(row.querySelector(".amount"), total === null ? plural(left, "track") : `${count(left)} of ${count(total)}`);
  return row;
}
