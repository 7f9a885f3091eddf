// @ts-check
/** Where things are: round numbers for axes, places for labels, outlines. Nothing here knows of a page. */

/** @typedef {[number, number, number, number]} Box left, top, right, bottom */

/** The round number just above a size, for the ends of an axis. @param {number} size */
export function roundedUp(size) {
  const power = 10 ** Math.floor(Math.log10(size || 1));
  for (const factor of [1, 1.5, 2, 2.5, 3, 4, 5, 6, 8]) if (size <= factor * power * 1.0001) return factor * power;
  return 10 * power;
}

/** The first of 1, 2, 5 and 10 times a power of ten that will do. @param {number} power @param {(step: number) => boolean} isEnough */
function roundStep(power, isEnough) {
  return [1, 2, 5, 10].map((factor) => factor * power).find(isEnough);
}

/** Round numbers along an axis, four to eight of them. @param {number} from @param {number} to */
export function ticks(from, to) {
  const rough = (to - from) / 5 || 1;
  const step = roundStep(10 ** Math.floor(Math.log10(rough)), (size) => size >= rough) ?? rough;
  const found = [];
  for (let at = Math.ceil(from / step - 1e-9) * step; at <= to + step * 1e-6; at += step) found.push(at || 0); // −0 is 0
  return found;
}

/** Where the lines of a grid lie between −extent and extent, 0 among them. @param {number} extent */
export function gridLines(extent) {
  const step = roundStep(10 ** Math.floor(Math.log10(extent / 4)), (size) => size * 4.2 >= extent) ?? extent;
  const found = [];
  for (let at = -Math.floor(extent / step) * step; at <= extent * 1.0001; at += step)
    found.push(Math.abs(at) < step / 1000 ? 0 : at);
  return found;
}

/**
 * How far the axes of a plane should reach, so that they hold the farthest coordinate with some room: farther if it lies
 * beyond them; less far only where the view may change, and only if the picture had become small.
 * @param {number} extent as it is, 0 before the first time @param {number} farthest @param {boolean} mayShrink
 */
export function extentFor(extent, farthest, mayShrink) {
  const fitting = roundedUp(1.15 * Math.max(0.85, farthest));
  const isHeld = extent > 0 && farthest <= extent;
  return isHeld && !(mayShrink && fitting < extent / 1.5) ? extent : fitting;
}

const TURNS = [0, 0.7, -0.7, 1.4, -1.4, 2.2, -2.2, 3.1]; // from outward, to either side

/**
 * Where the labels of points go: beside each point, outward from the middle if there is room, else around it.
 * @param {{at: [number, number], letters: number}[]} points the most important first
 * @param {number} size of the square that they lie in
 * @returns {[number, number][]} the middle of each label's foot
 */
export function labelPlaces(points, size) {
  const taken = points.map(({ at: [x, y] }) => /** @type {Box} */ ([x - 8, y - 8, x + 8, y + 8]));
  return points.map(({ at, letters }) => {
    const width = letters * 6.6 + 4;
    const { centre, box } = freePlace(at, width, taken, size);
    taken.push(box);
    return [
      Math.min(size - width / 2, Math.max(width / 2, centre[0])),
      Math.min(size - 4, Math.max(12, centre[1] + 4)),
    ];
  });
}

/**
 * The place around a point where a label is least in the way.
 * @param {[number, number]} point @param {number} width @param {Box[]} taken @param {number} size
 */
function freePlace([x, y], width, taken, size) {
  const outward = Math.atan2(y - size / 2, x - size / 2 || 1e-9);
  /** @type {{centre: [number, number], box: Box, cost: number}[]} */
  const tried = [];
  for (const turn of TURNS) {
    const [cos, sin] = [Math.cos(outward + turn), Math.sin(outward + turn)];
    /** @type {[number, number]} */
    const centre = [x + cos * (12 + width / 2), y + sin * 17];
    /** @type {Box} */
    const box = [centre[0] - width / 2, centre[1] - 7, centre[0] + width / 2, centre[1] + 7];
    const isInside = box[0] > 0 && box[1] > 0 && box[2] < size && box[3] < size;
    const cost = taken.filter((other) => overlap(box, other)).length + (isInside ? 0 : 3);
    tried.push({ centre, box, cost });
    if (cost === 0) break;
  }
  return tried.reduce((best, one) => (one.cost < best.cost ? one : best));
}

/** @param {Box} one @param {Box} other */
function overlap(one, other) {
  return one[0] < other[2] && other[0] < one[2] && one[1] < other[3] && other[1] < one[3];
}

/** The corners of the smallest convex region around points (Andrew's monotone chain). @param {number[][]} points */
export function convexHull(points) {
  const sorted = [...points].sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  const turn = (/** @type {number[]} */ o, /** @type {number[]} */ a, /** @type {number[]} */ b) =>
    (a[0] - o[0]) * (b[1] - o[1]) - (a[1] - o[1]) * (b[0] - o[0]);
  const half = (/** @type {number[][]} */ ordered) => {
    /** @type {number[][]} */
    const corners = [];
    for (const point of ordered) {
      while (corners.length > 1 && turn(corners[corners.length - 2], corners[corners.length - 1], point) <= 0)
        corners.pop();
      corners.push(point);
    }
    return corners;
  };
  return [...half(sorted).slice(0, -1), ...half(sorted.reverse()).slice(0, -1)].concat(
    sorted.length === 1 ? sorted : [],
  );
}

/**
 * Circles around points, as the outline of one path; points with radius 0 have none.
 * @param {[number, number][]} points @param {(index: number) => number} radius
 */
export function circles(points, radius) {
  const round = (/** @type {number} */ value) => Math.round(value * 10) / 10;
  return points
    .map((point, index) => {
      const r = round(radius(index));
      if (r === 0) return "";
      const [x, y] = point.map(round);
      return `M${x - r} ${y}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0`;
    })
    .join("");
}
