// What is asked before a brief is deleted.

import { count } from "../format.js";

/** What the question before a deletion says. */
export const deletion = ({ name, shortlisted, rejected }) => ({
  title: `Delete “${name.slice(0, 80)}”?`,
  text: `Its decisions go with it: ${count(shortlisted)} shortlisted, ${count(rejected)} rejected. The tracks stay.`,
  action: "Delete the brief",
});
