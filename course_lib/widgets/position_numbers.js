// @ts-check
/** What PositionExplorer shows in numbers: each kind's table, how alike positions are, what shuffled tokens notice. No page needed. */
import { alibiSlopes, dot, rotary, sinusoidal, softmax } from "./compute.js";

/** @typedef {"sinusoidal" | "rotary" | "alibi" | "learned"} Kind */
/** @typedef {{kind: Kind, length: number, d: number, base: number, learned: Float32Array | null}} Positions */

/** How many heads ALiBi is shown with. @param {number} d */
export function headsFor(d) {
  return Math.max(1, Math.floor(d / 4));
}

/** The table of a kind: a row for each position, or for each distance. @param {Positions} positions @returns {number[][]} */
export function tableOf({ kind, length, d, base, learned }) {
  const rows = (/** @type {(at: number) => number[]} */ row) => Array.from({ length }, (_, at) => row(at));
  if (kind === "learned" && learned) return rows((at) => Array.from(learned.subarray(at * d, (at + 1) * d)));
  if (kind === "alibi") return rows((distance) => alibiSlopes(headsFor(d)).map((slope) => -distance * slope));
  return rows((at) => (kind === "rotary" ? rotary(new Array(d).fill(1), at, base) : sinusoidal(at, d, base)));
}

/**
 * How alike every position is to one: a cosine; for ALiBi what is added to the score, the mean over heads.
 * @param {Kind} kind @param {number[][]} rows @param {number} at
 */
export function similarity(kind, rows, at) {
  if (kind === "alibi")
    return rows.map((_, other) => rows[Math.abs(other - at)].reduce((sum, x) => sum + x, 0) / rows[0].length);
  const sizes = rows.map((row) => Math.sqrt(dot(row, row)) || 1);
  return rows.map((row, other) => dot(row, rows[at]) / sizes[other] / sizes[at]);
}

/**
 * What the first token gives to each, without and with positions, place by place.
 * @param {Positions} positions @param {number[][]} rows its table @param {number[]} order token at each place
 * @param {(part: "queries" | "keys", token: number) => number[]} sample a token's random vector
 */
export function given({ kind, d, base }, rows, order, sample) {
  const at = order.indexOf(0);
  const placed = (/** @type {number[]} */ vector, /** @type {number} */ place) => {
    if (kind === "alibi") return vector;
    return kind === "rotary" ? rotary(vector, place, base) : vector.map((x, i) => x + rows[place][i]);
  };
  const slope = kind === "alibi" ? alibiSlopes(headsFor(d))[0] : 0;
  const query = sample("queries", 0);
  const plain = order.map((token) => dot(query, sample("keys", token)) / Math.sqrt(d));
  const withPlaces = order.map((token, place) => {
    const score = dot(placed(query, at), placed(sample("keys", token), place)) / Math.sqrt(d);
    return score - slope * Math.abs(place - at);
  });
  return { plain: softmax(plain), placed: softmax(withPlaces) };
}

/** Points of one pair of dimensions on a clock with this radius. @param {Kind} kind @param {number[][]} rows @param {number} pair @param {number} radius */
export function clockPoints(kind, rows, pair, radius) {
  const two = rows.map((row) => [row[2 * pair], row[2 * pair + 1]]);
  const far = Math.max(1e-9, ...two.map(([x, y]) => Math.hypot(x, y)));
  return two.map(([first, second]) => {
    // The sine, which comes first, goes up: the hand starts to the right and turns to the left.
    const [x, y] = kind === "sinusoidal" ? [second, first] : [first, second];
    return [(radius * x) / far, (-radius * y) / far];
  });
}
