// A radar (Kiviat) plot as SVG: one axis for each dimension, one polygon for each series.

const SVG = "http://www.w3.org/2000/svg";
const RADIUS = 100;
const RINGS = [0.25, 0.5, 0.75, 1];
const LABEL_RADIUS = 112;
const ASIDE = 0.35;

/**
 * Draw one.
 * @param axes {label, note, hue, values}: a value in [0, 1] for each series; what is less is drawn at the centre
 * @param series class of each polygon, the one behind first
 * @param words what a reader who does not see it is told
 */
export function radar(axes, series, words) {
  const svg = element("svg", { viewBox: "-192 -142 384 292", role: "img", "aria-label": words, class: "radar" });
  for (const ring of RINGS) svg.append(polygon(axes.map(() => ring), "ring"));
  axes.forEach((axis, place) => {
    const [x, y] = pointOf(place, axes.length, 1);
    svg.append(element("line", { x1: 0, y1: 0, x2: x, y2: y, class: "axis" }));
  });
  series.forEach((name, each) => svg.append(polygon(axes.map(({ values }) => values[each]), `series ${name}`)));
  series.forEach((name, each) => axes.forEach((axis, place) => svg.append(dot(axis, place, axes.length, each, name))));
  svg.append(...axes.map((axis, place) => labelOf(axis, place, axes.length)));
  return svg;
}

function polygon(values, name) {
  const points = values.map((value, place) => pointOf(place, values.length, value).join(" ")).join(", ");
  return element("polygon", { points, class: name });
}

function dot({ hue, values }, place, count, each, name) {
  const [cx, cy] = pointOf(place, count, values[each]);
  return element("circle", { cx, cy, r: 4, class: `dot ${name}`, "data-hue": hue });
}

function labelOf({ label, note }, place, count) {
  const [x, y] = pointOf(place, count, LABEL_RADIUS / RADIUS);
  const anchor = Math.abs(x) < ASIDE * RADIUS ? "middle" : x < 0 ? "end" : "start";
  // Two lines of text need room above the plot, and below it.
  const text = element("text", { x, y: Math.round(y + (y < 0 ? -6 : 6) * Math.abs(y / RADIUS)), "text-anchor": anchor });
  text.append(line(x, 0, label, "name"), line(x, "1.15em", note, "value"));
  return text;
}

function line(x, dy, words, name) {
  const span = element("tspan", { x, dy, class: name });
  span.textContent = words;
  return span;
}

/** From the top clockwise. */
function pointOf(place, count, value) {
  const angle = (2 * Math.PI * place) / count - Math.PI / 2;
  const length = RADIUS * Math.min(1, Math.max(0, value));
  const radius = value > 1 ? RADIUS * value : length;
  return [Math.cos(angle) * radius, Math.sin(angle) * radius].map((part) => Math.round(10 * part) / 10);
}

function element(name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [attribute, value] of Object.entries(attributes)) made.setAttribute(attribute, value);
  return made;
}
