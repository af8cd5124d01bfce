// The points of a map: where each track lies, and which lie near a place or inside a line.

const CELLS = 48; // along each side of the grid that finds neighbours

export class Atlas {
  #points;
  #cells = new Map();

  /** @param points columns as the API gives them; x and y lie in [-1, 1] */
  constructor(points) {
    this.#points = points;
    this.x = Float32Array.from(points.x);
    this.y = Float32Array.from(points.y);
    this.cluster = Int16Array.from(points.cluster);
    for (let index = 0; index < this.size; index += 1) this.#put(index);
  }

  get size() {
    return this.#points.ids.length;
  }

  get tempos() {
    return this.#points.tempo_bpm;
  }

  get keys() {
    return this.#points.key;
  }

  get tags() {
    return this.#points.tags;
  }

  indexOf(id) {
    return this.#points.ids.indexOf(id);
  }

  /** A track as far as the map knows it, as the player takes it. */
  track(index) {
    const { ids, titles, artists, has_audio: sounds } = this.#points;
    return {
      id: ids[index],
      filename: "",
      has_audio: sounds[index],
      content_type: "unknown type",
      metadata: { title: titles[index] ?? "", artist: artists[index] ?? "", album: null },
      analysis: null,
    };
  }

  /** The track nearest to a place, at most `reach` away; -1 if there is none. */
  nearest(x, y, reach) {
    let [best, distance] = [-1, reach * reach];
    const [left, right, top, bottom] = [cellOf(x - reach), cellOf(x + reach), cellOf(y - reach), cellOf(y + reach)];
    for (let row = top; row <= bottom; row += 1) {
      for (let column = left; column <= right; column += 1) {
        for (const index of this.#cells.get(row * CELLS + column) ?? []) {
          const away = (this.x[index] - x) ** 2 + (this.y[index] - y) ** 2;
          if (away <= distance) [best, distance] = [index, away];
        }
      }
    }
    return best;
  }

  /** The tracks inside a closed line of [x, y] corners. */
  inside(line) {
    const within = [];
    for (let index = 0; index < this.size; index += 1) if (surrounds(line, this.x[index], this.y[index])) within.push(index);
    return within;
  }

  /** The tracks of a cluster, those nearest to its middle first. */
  of({ number, x, y }) {
    const away = (index) => (this.x[index] - x) ** 2 + (this.y[index] - y) ** 2;
    const members = [];
    for (let index = 0; index < this.size; index += 1) if (this.cluster[index] === number) members.push(index);
    return members.sort((a, b) => away(a) - away(b));
  }

  #put(index) {
    const cell = cellOf(this.y[index]) * CELLS + cellOf(this.x[index]);
    if (!this.#cells.has(cell)) this.#cells.set(cell, []);
    this.#cells.get(cell).push(index);
  }
}

const cellOf = (value) => Math.min(CELLS - 1, Math.max(0, Math.floor(((value + 1) / 2) * CELLS)));

/** Whether a closed line goes around a point: a ray from it crosses the line an odd number of times. */
function surrounds(line, x, y) {
  let inside = false;
  for (let here = 0, before = line.length - 1; here < line.length; before = here, here += 1) {
    const [[x1, y1], [x2, y2]] = [line[here], line[before]];
    if (y1 > y !== y2 > y && x < ((x2 - x1) * (y - y1)) / (y2 - y1) + x1) inside = !inside;
  }
  return inside;
}
