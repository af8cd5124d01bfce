// Colours of the points: read from the style sheet, which has them for both themes, so that a canvas can use them.

const TEMPO_STOPS = 5;

let probe = null;

/** A colour as a canvas takes it; `css` may use the style sheet's own names. */
export function resolved(css) {
  if (!probe) {
    probe = document.createElement("span");
    probe.hidden = true;
    document.body.append(probe);
  }
  probe.style.color = css;
  return getComputedStyle(probe).color;
}

/** The colour of a group, by its number: eight that colour-blind people tell apart; the shape tells the next eight. */
export const groupColour = (number) => resolved(`var(--group-${number % 8})`);

/** Hue of a place on the circle of fifths, 0 to 11; neighbours also differ in lightness. */
export function fifthColour(place) {
  const hue = 30 * place + 20;
  const [onLight, onDark] = place % 2 ? [0.68, 0.84] : [0.52, 0.7];
  return resolved(`light-dark(oklch(${onLight} 0.14 ${hue}), oklch(${onDark} 0.12 ${hue}))`);
}

/** The colour at a share of the tempo scale, 0 slowest to 1 fastest. */
export function tempoColour(share) {
  const place = Math.min(1, Math.max(0, share)) * (TEMPO_STOPS - 1);
  const below = Math.min(TEMPO_STOPS - 2, Math.floor(place));
  return resolved(`color-mix(in oklab, var(--tempo-${below + 1}) ${100 * (place - below)}%, var(--tempo-${below}))`);
}

/** Red, green and blue of a colour, 0 to 255. */
export function bytesOf(colour) {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 1;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.fillStyle = colour;
  context.fillRect(0, 0, 1, 1);
  return [...context.getImageData(0, 0, 1, 1).data].slice(0, 3);
}
