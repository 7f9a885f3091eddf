// @ts-check
/**
 * The colours of maps, as CSS and as pixels. Those of kinds (queries, keys, values, context) stand in colours.css. Both are
 * those of course_lib/colours.py, which a test holds together.
 */

// Ten stops of cividis (Nuñez, Anderton & Renslow 2018): readable in every common form of colour blindness and in grey.
const CIVIDIS = [
  [0, 34, 78],
  [18, 53, 112],
  [59, 73, 108],
  [87, 93, 109],
  [112, 113, 115],
  [138, 134, 120],
  [165, 156, 116],
  [195, 179, 105],
  [225, 204, 85],
  [254, 232, 56],
];
const [BLUE, RED] = [
  [0, 114, 178],
  [213, 94, 0],
];

/** Red, green and blue of a share between 0 and 1. @param {number} share @returns {number[]} */
function cividisNumbers(share) {
  const position = Math.min(1, Math.max(0, share || 0)) * (CIVIDIS.length - 1);
  const left = Math.min(Math.floor(position), CIVIDIS.length - 2);
  return CIVIDIS[left].map((from, i) => Math.round(from + (CIVIDIS[left + 1][i] - from) * (position - left)));
}

/**
 * Colour of a share between 0 and 1, and the ink that stays readable on it.
 * @param {number} share
 * @returns {{fill: string, ink: string}}
 */
export function cividis(share) {
  const [r, g, b] = cividisNumbers(share);
  return { fill: `rgb(${r}, ${g}, ${b})`, ink: 0.299 * r + 0.587 * g + 0.114 * b > 125 ? "#111111" : "#ffffff" };
}

// Pixels of a canvas: alpha, blue, green, red from the highest byte, as every machine with a browser stores them.
const pixel = (/** @type {number[]} */ [red, green, blue], alpha = 255) =>
  ((alpha << 24) | (blue << 16) | (green << 8) | red) >>> 0;
const CIVIDIS_PIXELS = Uint32Array.from({ length: 256 }, (_, level) => pixel(cividisNumbers(level / 255)));
const [BLUE_PIXEL, RED_PIXEL] = [pixel(BLUE, 0), pixel(RED, 0)];

/** The pixel of a share between 0 and 1. @param {number} share */
export function cividisPixel(share) {
  return CIVIDIS_PIXELS[share > 0 ? Math.round(Math.min(1, share) * 255) : 0];
}

/** The pixel of a share between −1 and 1: blue below 0, orange above, clear at 0. @param {number} share */
export function signedPixel(share) {
  return (share < 0 ? BLUE_PIXEL : RED_PIXEL) | (Math.round(Math.min(1, Math.abs(share)) * 255) << 24);
}
