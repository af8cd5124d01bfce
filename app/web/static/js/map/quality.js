// How good the clusters are, over their number: one small chart for each score, the chosen number marked.

import { byId, show, write } from "../dom.js";

const SVG = "http://www.w3.org/2000/svg";
const [WIDTH, HEIGHT, LEFT, BOTTOM, TOP] = [280, 96, 6, 18, 10];
const SCORES = [
  { name: "silhouette", title: "Silhouette", hint: "higher is better" },
  { name: "calinski_harabasz", title: "Calinski–Harabasz", hint: "higher is better" },
  { name: "davies_bouldin", title: "Davies–Bouldin", hint: "lower is better" },
];
const METHODS = { kmeans: "K-Means", gmm: "Gaussian mixture" };

/** Show the scores of a clustering, or nothing where there are none. */
export function showQuality(clustering) {
  const scores = clustering?.scores ?? [];
  show(byId("quality"), scores.length > 0);
  if (!scores.length) return;
  const method = METHODS[clustering.method] ?? clustering.method;
  const others = new Set(scores.map((score) => score.method)).size > 1 ? "; dashed: the other way" : "";
  write(byId("quality-note"), `${clustering.k} clusters by ${method} (the line${others}), chosen among all that were tried.`);
  byId("quality-charts").replaceChildren(...SCORES.map((score) => figureOf(score, clustering)));
}

function figureOf({ name, title, hint }, { scores, method, k }) {
  const known = scores.filter((each) => Number.isFinite(each[name]));
  const figure = document.createElement("figure");
  const caption = document.createElement("figcaption");
  write(caption, `${title} · ${hint}`);
  figure.append(caption, chartOf(known, { name, title, method, k }));
  return figure;
}

function chartOf(scores, { name, title, method, k }) {
  const chart = element("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", class: "chart" });
  chart.setAttribute("aria-label", inWords(scores, { name, title, method, k }));
  const ks = scores.map((each) => each.k);
  const values = scores.map((each) => each[name]);
  const [least, most, low, high] = [Math.min(...ks), Math.max(...ks), Math.min(...values), Math.max(...values)];
  const x = (value) => LEFT + ((value - least) / Math.max(1, most - least)) * (WIDTH - 2 * LEFT);
  const y = (value) => HEIGHT - BOTTOM - ((value - low) / (high - low || 1)) * (HEIGHT - BOTTOM - TOP);
  chart.append(element("line", { class: "axis", x1: 0, x2: WIDTH, y1: HEIGHT - BOTTOM + 4, y2: HEIGHT - BOTTOM + 4 }));
  for (const each of new Set(scores.map((score) => score.method))) {
    const line = scores.filter((score) => score.method === each).sort((a, b) => a.k - b.k);
    const points = line.map((score) => `${x(score.k)},${y(score[name])}`).join(" ");
    chart.append(element("polyline", { class: each === method ? "curve" : "curve other", points }));
  }
  const chosen = scores.find((score) => score.k === k && score.method === method);
  if (chosen) {
    chart.append(element("line", { class: "mark-line", x1: x(k), x2: x(k), y1: TOP - 6, y2: HEIGHT - BOTTOM + 4 }));
    chart.append(element("circle", { class: "mark-dot", cx: x(k), cy: y(chosen[name]), r: 4 }));
    chart.append(label(`${k}: ${shortly(chosen[name])}`, x(k), k > (least + most) / 2 ? "end" : "start"));
  }
  chart.append(tick(least, x(least), "start"), tick(most, x(most), "end"));
  return chart;
}

function element(name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [attribute, value] of Object.entries(attributes)) made.setAttribute(attribute, value);
  return made;
}

function label(text, x, anchor) {
  const made = element("text", { class: "chart-label", x: x + (anchor === "end" ? -7 : 7), y: TOP, "text-anchor": anchor });
  made.textContent = text;
  return made;
}

function tick(value, x, anchor) {
  const made = element("text", { class: "chart-tick", x, y: HEIGHT - 3, "text-anchor": anchor });
  made.textContent = value;
  return made;
}

const shortly = (value) => (Math.abs(value) >= 100 ? Math.round(value).toLocaleString() : value.toFixed(2));

function inWords(scores, { name, title, method, k }) {
  const own = scores.filter((score) => score.method === method).sort((a, b) => a.k - b.k);
  return `${title} by number of clusters: ${own.map((score) => `${score.k}: ${shortly(score[name])}`).join(", ")}. Chosen: ${k}.`;
}
