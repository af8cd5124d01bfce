// The waveform: shows how far the sound is, takes clicks, drags and keys. Emits "seek" with a second, "toggle", "part"
// with {start_s, end_s} or null.

import { byId, show, stamp, write } from "../dom.js";
import { clock, similarity } from "../format.js";

const BAR_PX = 4;
const THINNEST = 0.03;
const PLAIN = 0.12;
const DRAG_PX = 4;
const SHORTEST_S = 0.5;
const STEP_S = 5;
const LEAP_S = 30;

export class Wave extends EventTarget {
  #wave = byId("wave");
  #peaks = null;
  #length_s = 0;
  #now_s = null; // while the sound is another's
  #part = null;

  constructor() {
    super();
    this.#wave.addEventListener("pointerdown", (event) => this.#grab(event));
    this.#wave.addEventListener("keydown", (event) => this.#press(event));
    new ResizeObserver(() => this.#drawShape()).observe(this.#wave);
  }

  /** Show a waveform; without peaks a plain bar. */
  show(peaks, length_s) {
    this.#peaks = peaks;
    this.#length_s = length_s;
    this.#wave.setAttribute("aria-valuemax", length_s.toFixed(1));
    write(byId("wave-length"), clock(length_s));
    this.#drawShape();
    this.moveTo(this.#now_s);
  }

  /** Show how far the sound is; `null` when it is not this track's. */
  moveTo(now_s) {
    this.#now_s = now_s;
    const share = this.#share(this.#second);
    this.#wave.querySelector(".played").style.clipPath = `inset(0 ${100 - share}% 0 0)`;
    byId("wave-head").style.left = `${share}%`;
    show(byId("wave-head"), now_s !== null);
    write(byId("wave-now"), clock(this.#second));
    this.#wave.setAttribute("aria-valuenow", this.#second.toFixed(1));
    this.#wave.setAttribute("aria-valuetext", `${clock(this.#second)} of ${clock(this.#length_s)}`);
  }

  /** Mark a part; `null` for none. */
  mark(part) {
    this.#part = part;
    show(byId("wave-part"), part !== null);
    if (part) this.#place(byId("wave-part"), part);
  }

  /** Mark sections that are alike, the more visibly the more they are. Emits "seek" when one is chosen. */
  markSections(sections) {
    byId("wave-marks").replaceChildren(
      ...sections.map((section) => {
        const mark = stamp("row-mark");
        const label = `${clock(section.start_s)}–${clock(section.end_s)}, similarity ${similarity(section.similarity)}`;
        this.#place(mark, section);
        mark.style.opacity = 0.35 + 0.65 * Math.max(0, section.similarity);
        mark.title = label;
        mark.setAttribute("aria-label", `Play from ${label}`);
        mark.addEventListener("click", () => this.#emit("seek", section.start_s));
        return mark;
      }),
    );
  }

  get #second() {
    return this.#now_s ?? 0;
  }

  #place(element, { start_s, end_s }) {
    element.style.left = `${this.#share(start_s)}%`;
    element.style.width = `${this.#share(end_s) - this.#share(start_s)}%`;
  }

  #share(second) {
    return this.#length_s ? Math.min(100, (100 * second) / this.#length_s) : 0;
  }

  #drawShape() {
    const { width, height } = this.#wave.getBoundingClientRect();
    const bars = Math.max(1, Math.floor(width / BAR_PX));
    const outline = loudest(this.#peaks, bars)
      .map((peak, place) => {
        const half = (Math.max(peak, THINNEST) * height) / 2;
        return `M${place * BAR_PX + 1} ${(height / 2 - half).toFixed(1)}v${(2 * half).toFixed(1)}`;
      })
      .join("");
    for (const shape of this.#wave.querySelectorAll(".wave-shape")) {
      shape.setAttribute("viewBox", `0 0 ${bars * BAR_PX} ${height}`);
      shape.firstElementChild.setAttribute("d", outline);
    }
  }

  #secondAt(x) {
    const { left, width } = this.#wave.getBoundingClientRect();
    return Math.min(1, Math.max(0, (x - left) / width)) * this.#length_s;
  }

  /** A click goes there, a drag chooses a part. */
  #grab(down) {
    if (down.button !== 0 || !this.#length_s) return;
    let part = null;
    const from_s = this.#secondAt(down.clientX);
    this.#wave.setPointerCapture(down.pointerId);
    const drag = (event) => {
      if (part === null && Math.abs(event.clientX - down.clientX) < DRAG_PX) return;
      const to_s = this.#secondAt(event.clientX);
      part = { start_s: Math.min(from_s, to_s), end_s: Math.max(from_s, to_s) };
      this.mark(part);
    };
    const drop = (event) => {
      this.#wave.removeEventListener("pointermove", drag);
      if (event.type === "pointercancel") this.mark(null);
      else if (part === null) this.#emit("seek", from_s);
      else this.#emit("part", part.end_s - part.start_s < SHORTEST_S ? null : part);
    };
    this.#wave.addEventListener("pointermove", drag);
    for (const name of ["pointerup", "pointercancel"]) this.#wave.addEventListener(name, drop, { once: true });
  }

  #press(event) {
    const { key, shiftKey, ctrlKey, metaKey, altKey } = event;
    if (ctrlKey || metaKey || altKey) return;
    const step = shiftKey ? LEAP_S : STEP_S;
    const actions = {
      ArrowRight: () => this.#go(this.#second + step),
      ArrowUp: () => this.#go(this.#second + step),
      ArrowLeft: () => this.#go(this.#second - step),
      ArrowDown: () => this.#go(this.#second - step),
      Home: () => this.#go(0),
      End: () => this.#go(this.#length_s - 1),
      " ": () => this.#emit("toggle"),
      Enter: () => this.#emit("toggle"),
      "[": () => this.#bound(this.#second, this.#part?.end_s ?? this.#length_s),
      "]": () => this.#bound(this.#part?.start_s ?? 0, this.#second),
    };
    if (!actions[key]) return;
    event.preventDefault();
    actions[key]();
  }

  #go(second) {
    this.#emit("seek", Math.min(Math.max(second, 0), this.#length_s));
  }

  #bound(start_s, end_s) {
    if (end_s - start_s >= SHORTEST_S) this.#emit("part", { start_s, end_s });
  }

  #emit(name, detail = null) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}

/** The greatest of the peaks that each bar stands for. */
function loudest(peaks, bars) {
  if (!peaks?.length) return Array(bars).fill(PLAIN);
  return Array.from({ length: bars }, (_, place) => {
    const from = Math.floor((place * peaks.length) / bars);
    const to = Math.max(from + 1, Math.floor(((place + 1) * peaks.length) / bars));
    return Math.max(...peaks.slice(from, to));
  });
}
