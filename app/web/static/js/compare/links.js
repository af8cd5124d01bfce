// Lines between the two columns, from each track to where the other one has it.

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 100;
const ROW = 100;

/** Draw a line for each track that is among the first k of both rankings. */
export function drawLinks(place, left, right, k) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", `0 0 ${WIDTH} ${ROW * Math.max(k, 1)}`);
  svg.setAttribute("preserveAspectRatio", "none");
  for (const [id, rank] of left) {
    const other = right.get(id);
    if (rank <= k && other <= k) svg.append(lineOf(id, rank, other));
  }
  place.style.setProperty("--rows", k);
  place.replaceChildren(svg);
}

function lineOf(id, from, to) {
  const line = document.createElementNS(SVG, "line");
  const ends = { x1: 0, y1: (from - 0.5) * ROW, x2: WIDTH, y2: (to - 0.5) * ROW };
  for (const [name, value] of Object.entries(ends)) line.setAttribute(name, value);
  line.dataset.id = id;
  return line;
}
