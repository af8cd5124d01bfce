// The map as it is painted: points, names of clusters, the line of a lasso. It is painted at most once a frame.

import { oncePerFrame } from "../dom.js";
import { titleOf } from "../format.js";
import { bytesOf, resolved } from "./colours.js";
import { Sheet, Stamp } from "./stamps.js";

const FAINT = 0.16;
const TITLED = 36; // with at most so many points in sight, each has its title
const LONGEST_NAME = 32;
const TOUCH_PX = 14;

const shortened = (text) => (text.length > LONGEST_NAME ? `${text.slice(0, LONGEST_NAME)}…` : text);

export class Picture {
  #canvas;
  #context;
  #view;
  #atlas = null;
  #stamps = null;
  #sheet = new Sheet();
  #inks = {};
  #paper = null;
  #font = "sans-serif";
  #grouping = null;
  #clusters = [];
  /** What is put forward: a group alone (-1: all), the points selected, those pointed at, chosen, and the lasso's line. */
  only = -1;
  selected = null;
  hovered = -1;
  chosen = -1;
  lasso = null;
  crosshair = false;
  showsNames = true;
  repaint = oncePerFrame(() => this.#paint());

  constructor(canvas, view) {
    this.#canvas = canvas;
    this.#context = canvas.getContext("2d", { alpha: false });
    this.#view = view;
    view.addEventListener("change", () => this.repaint());
    new ResizeObserver(() => this.#resized()).observe(canvas);
  }

  /** Show these points, coloured so. */
  show(atlas, grouping, clusters) {
    this.#atlas = atlas;
    this.#grouping = grouping;
    this.#clusters = [...clusters].sort((a, b) => b.tracks - a.tracks);
    this.#inks = { ink: resolved("var(--ink)"), paper: resolved("var(--map-paper)"), accent: resolved("var(--accent)") };
    this.#paper = bytesOf(this.#inks.paper);
    this.#font = getComputedStyle(document.body).fontFamily;
    this.#stamps = null;
    this.repaint();
  }

  /** How near to a point counts as on it, in units of the map. */
  get reach() {
    return Math.max(TOUCH_PX, 1.5 * this.#radius) / this.#view.scale;
  }

  #resized() {
    const { clientWidth, clientHeight } = this.#canvas;
    this.#canvas.width = Math.round(clientWidth * this.#density);
    this.#canvas.height = Math.round(clientHeight * this.#density);
    this.#view.resize(clientWidth, clientHeight);
  }

  get #density() {
    return Math.min(devicePixelRatio || 1, 2);
  }

  /** Of a point, in pixels: smaller where there are many, larger from close by. */
  get #radius() {
    const { size } = this.#atlas ?? { size: 1 };
    const base = size > 4000 ? 2.4 : size > 600 ? 3.4 : 5.5;
    return Math.min(9, base * this.#view.zoom ** 0.45);
  }

  #paint() {
    const context = this.#context;
    context.setTransform(this.#density, 0, 0, this.#density, 0, 0);
    if (!this.#atlas || !this.#canvas.width || !this.#canvas.height) return;
    const seen = this.#paintPoints();
    if (this.hovered >= 0) this.#ring(this.hovered, this.#inks.ink, 1.5);
    if (this.chosen >= 0) this.#ring(this.chosen, this.#inks.accent, 3);
    const taken = [];
    const hasTitles = seen.length <= TITLED;
    if (this.showsNames) this.#paintNames(taken, hasTitles ? this.#radius + 12 : 0);
    if (hasTitles) this.#paintTitles(seen, taken);
    if (this.lasso) this.#paintLasso();
    if (this.crosshair) this.#paintCrosshair();
  }

  /** Paint the points, the faint ones below; returns which are in sight. */
  #paintPoints() {
    const { x, y, size } = this.#atlas;
    const [[x0, y0], scale, { width, height }, density] = [this.#view.origin, this.#view.scale, this.#view, this.#density];
    const stamps = this.#stampsNow();
    const { half } = stamps[0];
    const seen = [];
    this.#sheet.clear(this.#canvas.width, this.#canvas.height, this.#paper);
    for (const isFaint of this.#hasFaint ? [true, false] : [false]) {
      for (let index = 0; index < size; index += 1) {
        if (this.#isFaint(index) !== isFaint) continue;
        const left = x0 + x[index] * scale;
        const top = y0 - y[index] * scale;
        if (left < -half || top < -half || left > width + half || top > height + half) continue;
        const stamp = stamps[this.#grouping.groupOf[index]];
        this.#sheet.lay(stamp, Math.round(left * density), Math.round(top * density), isFaint ? FAINT : 1);
        if (seen.length <= TITLED) seen.push(index);
      }
    }
    this.#sheet.paint(this.#context);
    return seen;
  }

  get #hasFaint() {
    return this.selected !== null || this.only >= 0;
  }

  #isFaint(index) {
    if (this.selected) return !this.selected.has(index);
    const group = this.#grouping.groupOf[index];
    return this.only >= 0 ? group !== this.only : false;
  }

  /** A stamp of each group, made anew where the points have another size. */
  #stampsNow() {
    const radius = Math.round(4 * this.#radius * this.#density) / 4;
    if (this.#stamps?.radius !== radius) {
      const made = this.#grouping.groups.map((group) => new Stamp(group, radius, this.#inks.paper));
      this.#stamps = Object.assign(made, { radius });
    }
    return this.#stamps;
  }

  #placeOf(index) {
    const [x0, y0] = this.#view.origin;
    return [x0 + this.#atlas.x[index] * this.#view.scale, y0 - this.#atlas.y[index] * this.#view.scale];
  }

  #ring(index, colour, width) {
    const [left, top] = this.#placeOf(index);
    this.#context.beginPath();
    this.#context.arc(left, top, this.#radius + 2 + width / 2, 0, 2 * Math.PI);
    this.#context.strokeStyle = colour;
    this.#context.lineWidth = width;
    this.#context.stroke();
  }

  /** Names of clusters, the large ones first, so far above their middles; one that would cover another is left out. */
  #paintNames(taken, above) {
    const [[x0, y0], scale] = [this.#view.origin, this.#view.scale];
    this.#context.font = `600 13px ${this.#font}`;
    this.#context.textAlign = "center";
    for (const { name, x, y } of this.#clusters) this.#write(shortened(name), x0 + x * scale, y0 - y * scale - above, taken);
  }

  #paintTitles(seen, taken) {
    this.#context.font = `400 12px ${this.#font}`;
    this.#context.textAlign = "center";
    for (const index of seen) {
      const [left, top] = this.#placeOf(index);
      this.#write(shortened(titleOf(this.#atlas.track(index))), left, top + this.#radius + 11, taken);
    }
  }

  #write(text, left, top, taken) {
    const half = this.#context.measureText(text).width / 2 + 5;
    const box = { left: left - half, right: left + half, top: top - 10, bottom: top + 10 };
    const outside = box.right < 0 || box.left > this.#view.width || box.bottom < 0 || box.top > this.#view.height;
    if (outside || taken.some((other) => overlap(box, other))) return;
    taken.push(box);
    this.#context.textBaseline = "middle";
    this.#context.lineJoin = "round";
    this.#context.lineWidth = 4;
    this.#context.strokeStyle = this.#inks.paper;
    this.#context.strokeText(text, left, top);
    this.#context.fillStyle = this.#inks.ink;
    this.#context.fillText(text, left, top);
  }

  #paintLasso() {
    const context = this.#context;
    context.beginPath();
    this.lasso.forEach(([left, top], place) => (place ? context.lineTo(left, top) : context.moveTo(left, top)));
    context.closePath();
    context.fillStyle = this.#inks.accent;
    context.globalAlpha = 0.12;
    context.fill();
    context.globalAlpha = 1;
    context.setLineDash([5, 4]);
    context.strokeStyle = this.#inks.accent;
    context.lineWidth = 1.5;
    context.stroke();
    context.setLineDash([]);
  }

  #paintCrosshair() {
    const [left, top] = [this.#view.width / 2, this.#view.height / 2];
    const context = this.#context;
    context.beginPath();
    for (const [across, down] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
      context.moveTo(left + 5 * across, top + 5 * down);
      context.lineTo(left + 14 * across, top + 14 * down);
    }
    context.strokeStyle = this.#inks.ink;
    context.lineWidth = 1.5;
    context.stroke();
  }
}

const overlap = (a, b) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
