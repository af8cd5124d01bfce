// Thousands of points, painted by hand: a shape is drawn once, and then its pixels are laid into a buffer wherever a
// point lies. Without a graphics card this is ten times as fast as drawing every point on the canvas.

const OPAQUE = 255;

/** The pixels of one shape: their places around its middle, and their colours; solid ones need no mixing. */
export class Stamp {
  constructor({ colour, shape, isFaint }, radius, rim) {
    const half = Math.ceil(radius + 1.5);
    const side = 2 * half + 1;
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = side;
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.translate(half + 0.5, half + 0.5);
    context.globalAlpha = isFaint ? 0.6 : 1;
    context.fillStyle = context.strokeStyle = colour;
    context.beginPath();
    trace(context, shape, radius);
    if (shape === "ring") {
      context.lineWidth = Math.max(1.2, radius * 0.45);
      context.stroke();
    } else {
      context.fill();
      context.strokeStyle = rim;
      context.lineWidth = Math.min(1, radius / 4);
      context.stroke();
    }
    this.half = half;
    this.pixels = pixelsOf(context.getImageData(0, 0, side, side), half);
  }
}

/** Only what is to be seen: {right, down} from the middle, its word as the sheet has it, and its alpha, 0 to 1. */
function pixelsOf({ data, width }, half) {
  const words = new Uint32Array(data.buffer);
  const places = [...words.keys()].filter((place) => data[4 * place + 3] > 0);
  return {
    right: Int16Array.from(places, (place) => (place % width) - half),
    down: Int16Array.from(places, (place) => Math.floor(place / width) - half),
    words: Uint32Array.from(places, (place) => words[place]),
    alphas: Float32Array.from(places, (place) => data[4 * place + 3] / OPAQUE),
  };
}

function trace(context, shape, radius) {
  if (shape === "square") context.rect(-0.88 * radius, -0.88 * radius, 1.76 * radius, 1.76 * radius);
  else if (shape === "triangle") {
    context.moveTo(0, -1.15 * radius);
    context.lineTo(1.05 * radius, 0.8 * radius);
    context.lineTo(-1.05 * radius, 0.8 * radius);
    context.closePath();
  } else context.arc(0, 0, shape === "ring" ? 0.8 * radius : radius, 0, 2 * Math.PI);
}

export class Sheet {
  #image = null;
  #words = null;

  /** A sheet of this many device pixels, of one colour: [red, green, blue]. */
  clear(width, height, [red, green, blue]) {
    if (this.#image?.width !== width || this.#image?.height !== height) {
      this.#image = new ImageData(width, height);
      this.#words = new Uint32Array(this.#image.data.buffer);
    }
    this.#words.fill(((OPAQUE << 24) | (blue << 16) | (green << 8) | red) >>> 0);
  }

  /** Lay a stamp with its middle at a pixel; `strength` 1 is as it is, less lets through what lies below. */
  lay({ half, pixels }, left, top, strength) {
    const { width, height } = this.#image;
    const { right, down, words, alphas } = pixels;
    const isInside = left >= half && top >= half && left < width - half && top < height - half;
    for (let at = 0; at < words.length; at += 1) {
      const x = left + right[at];
      const y = top + down[at];
      if (!isInside && (x < 0 || y < 0 || x >= width || y >= height)) continue;
      const share = strength * alphas[at];
      if (share === 1) this.#words[y * width + x] = words[at];
      else this.#mix(y * width + x, words[at], share);
    }
  }

  /** Let a share of a colour lie over what is there. */
  #mix(place, word, share) {
    const below = this.#words[place];
    const red = below & 255;
    const green = (below >> 8) & 255;
    const blue = (below >> 16) & 255;
    const mixedRed = red + share * ((word & 255) - red);
    const mixedGreen = green + share * (((word >> 8) & 255) - green);
    const mixedBlue = blue + share * (((word >> 16) & 255) - blue);
    this.#words[place] = (OPAQUE << 24) | (mixedBlue << 16) | (mixedGreen << 8) | mixedRed;
  }

  paint(context) {
    context.putImageData(this.#image, 0, 0);
  }
}
