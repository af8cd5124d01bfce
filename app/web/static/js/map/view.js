// What of the map is seen: its middle, and how many pixels a unit has. y grows upwards on the map, downwards on screen.

const MARGIN = 1.14;
const CLOSEST = 80; // times as close as the whole map
const GLIDE_MS = 240;

const calm = matchMedia("(prefers-reduced-motion: reduce)");

export class View extends EventTarget {
  #x = 0;
  #y = 0;
  #zoom = 1;
  #width = 1;
  #height = 1;
  #gliding = 0;

  /** Pixels of the picture, as CSS counts them. */
  resize(width, height) {
    this.#width = Math.max(1, width);
    this.#height = Math.max(1, height);
    this.#moved();
  }

  /** How much closer than the whole map. */
  get zoom() {
    return this.#zoom;
  }

  /** Pixels of one unit. */
  get scale() {
    return (this.#zoom * Math.min(this.#width, this.#height)) / (2 * MARGIN);
  }

  get width() {
    return this.#width;
  }

  get height() {
    return this.#height;
  }

  /** Where the map's origin lies on the screen: a point lies at origin + scale · (x, −y). */
  get origin() {
    return [this.#width / 2 - this.#x * this.scale, this.#height / 2 + this.#y * this.scale];
  }

  toMap([left, top]) {
    const [x0, y0] = this.origin;
    return [(left - x0) / this.scale, (y0 - top) / this.scale];
  }

  pan(right, down) {
    this.#gliding += 1;
    this.#set(this.#x - right / this.scale, this.#y + down / this.scale, this.#zoom);
  }

  /** Come closer by a factor; what lies at this place of the screen stays there. */
  zoomAt(factor, [left, top] = [this.#width / 2, this.#height / 2]) {
    this.#gliding += 1;
    const [x, y] = this.toMap([left, top]);
    this.#zoom = Math.min(CLOSEST, Math.max(0.6, this.#zoom * factor));
    const [x1, y1] = this.toMap([left, top]);
    this.#set(this.#x + x - x1, this.#y + y - y1, this.#zoom);
  }

  zoomBy(factor) {
    this.#glideTo(this.#x, this.#y, this.#zoom * factor);
  }

  panBy(right, down) {
    this.#glideTo(this.#x - right / this.scale, this.#y + down / this.scale, this.#zoom);
  }

  /** Show all of it. */
  fit() {
    this.#glideTo(0, 0, 1);
  }

  /** Bring a place to the middle, close enough to tell its neighbours apart. */
  centre(x, y) {
    this.#glideTo(x, y, Math.max(this.#zoom, 4));
  }

  #glideTo(x, y, wanted) {
    const zoom = Math.min(CLOSEST, Math.max(0.6, wanted));
    const gliding = ++this.#gliding;
    if (calm.matches) return this.#set(x, y, zoom);
    const [x0, y0, zoom0, started] = [this.#x, this.#y, this.#zoom, performance.now()];
    const step = (now) => {
      if (gliding !== this.#gliding) return; // a hand has taken over
      const share = Math.min(1, Math.max(0, (now - started) / GLIDE_MS));
      const eased = 1 - (1 - share) ** 3;
      this.#set(x0 + (x - x0) * eased, y0 + (y - y0) * eased, zoom0 * (zoom / zoom0) ** eased);
      if (share < 1) requestAnimationFrame(step);
    };
    requestAnimationFrame(step);
  }

  #set(x, y, zoom) {
    this.#x = Math.min(1.2, Math.max(-1.2, x));
    this.#y = Math.min(1.2, Math.max(-1.2, y));
    this.#zoom = zoom;
    this.#moved();
  }

  #moved() {
    this.dispatchEvent(new Event("change"));
  }
}
