// @ts-check
/**
 * The numbers of a picture: all steps of attention for one state, and how a step's numbers become shares of a colour and
 * cells of a matrix. Nothing here knows of a page.
 */
import { attention, attentionOfChanged, scaledScores, scaledScoresOfChanged } from "../compute.js";
import { cividis } from "../kit/colours.js";
import { filled, readable } from "../kit/format.js";
import { TEXT } from "./texts.js";

/** @typedef {import("./texts.js").Stage} Stage */
/** @typedef {{queries: number[][], keys: number[][], values: number[][], mask: string[], seq: number}} State */
/** @typedef {{scores: number[][], scaled: number[][], weights: number[][], context: number[][]}} Numbers */
/** @typedef {Numbers & {state: State, works: boolean}} Picture */

/** Who may attend to whom, from one string a query; no strings: everybody. @param {string[]} rows @param {number} n */
export function maskFrom(rows, n) {
  if (!rows.length) return Array.from({ length: n }, () => new Array(n).fill(true));
  return rows.map((row) => Array.from(row, (letter) => letter === "1"));
}

/** The same as strings; none where nothing is hidden. @param {boolean[][]} mask */
export function maskRows(mask) {
  if (isOpen(mask)) return [];
  return mask.map((row) => row.map((may) => (may ? "1" : "0")).join(""));
}

/** @param {boolean[][]} mask */
function isOpen(mask) {
  return mask.every((row) => row.every(Boolean));
}

/** What a mask is called; null if it has no name. @param {boolean[][]} mask */
export function maskName(mask) {
  if (isOpen(mask)) return "none";
  return mask.every((row, q) => row.every((may, k) => may === k <= q)) ? "causal" : null;
}

/**
 * The picture of a state, by the library's attention. Rows of queries that have not changed are kept.
 * @param {State} state @param {boolean[][] | undefined} mask @param {Picture | undefined} before
 * @returns {Picture}
 */
export function computed(state, mask, before) {
  const { queries, keys, values } = state;
  const then = before?.state;
  const isLikeBefore = before && then?.keys === keys && then.values === values && then.mask === state.mask;
  const numbers = isLikeBefore
    ? attentionOfChanged(before, before.state.queries, queries, keys, values, mask)
    : attention(queries, keys, values, mask);
  return { ...numbers, state, works: true };
}

/**
 * The picture of a state, from the weights and the context that Python answered with, row by row.
 * @param {State} state @param {Float32Array} answer @param {boolean} works @param {Picture | undefined} before
 * @returns {Picture}
 */
export function answered(state, answer, works, before) {
  const n = state.queries.length;
  let from = 0;
  const take = (/** @type {number} */ width) =>
    Array.from({ length: n }, () => {
      const row = new Array(width);
      for (let at = 0; at < width; at++) row[at] = answer[from++];
      return row;
    });
  const scores =
    before?.state.keys === state.keys
      ? scaledScoresOfChanged(before, before.state.queries, state.queries, state.keys)
      : scaledScores(state.queries, state.keys);
  return { ...scores, weights: take(n), context: take(state.values[0].length), state, works };
}

/** The key that a query attends to most. @param {number[]} row of weights */
export function winnerOf(row) {
  return row.indexOf(Math.max(...row));
}

/** The numbers that a step shows. @param {Numbers} numbers @param {Stage} stage */
export function numbersOf({ scores, scaled, weights, context }, stage) {
  return { scores, scaled, masked: scaled, weights, context }[stage];
}

/**
 * A step's numbers as shares of its brightest colour: one scale for all three kinds of scores; NaN stays empty.
 * @param {Numbers} numbers @param {boolean[][]} mask @param {Stage} stage
 */
export function sharesOf(numbers, mask, stage) {
  if (stage === "weights") return numbers.weights;
  const all = stage === "context" ? numbers.context : numbers.scores;
  const most = Math.max(1e-9, ...all.flat().map(Math.abs));
  return numbersOf(numbers, stage).map((row, q) =>
    row.map((value, k) => (stage === "masked" && !mask[q][k] ? NaN : 0.5 + value / most / 2)),
  );
}

/**
 * A step's numbers as cells.
 * @param {Numbers} numbers @param {boolean[][]} mask @param {Stage} stage @param {string[]} tokens
 * @returns {import("../kit/matrix.js").Cell[][]}
 */
export function cellsOf(numbers, mask, stage, tokens) {
  const shares = sharesOf(numbers, mask, stage);
  return numbersOf(numbers, stage).map((row, q) => {
    const best = stage === "weights" ? Math.max(...row) : NaN;
    return row.map((value, k) => {
      const isHidden = (stage === "masked" || stage === "weights") && !mask[q][k];
      const text = Number.isNaN(value) ? "" : stage === "masked" && isHidden ? "−∞" : readable(value);
      const name = stage === "masked" && isHidden ? TEXT.stage.masked.hiddenCell : TEXT.stage[stage].cell;
      return {
        ...(Number.isNaN(shares[q][k]) ? {} : cividis(shares[q][k])),
        text,
        state: isHidden ? "hidden" : value === best && best > 0 ? "winner" : "",
        name: filled(name, { query: tokens[q], key: stage === "context" ? k + 1 : tokens[k], number: text }),
      };
    });
  });
}

/** The area of a disc around a key is its weight. @param {number} weight */
export function discRadius(weight) {
  return weight > 0 ? 7 + 24 * Math.sqrt(Math.min(1, weight)) : 0;
}

/** Where a point lands on the line of a vector; null if that has no length. @param {number[]} point @param {number[]} vector */
export function projected(point, vector) {
  const length = Math.hypot(vector[0], vector[1]);
  if (!length) return null;
  const along = (point[0] * vector[0] + point[1] * vector[1]) / length ** 2;
  return vector.map((x) => x * along);
}

/**
 * Thin steps of weight × value, laid tip to tail from the middle: where each of them ends.
 * @param {number[]} weights of one query @param {number[][]} values
 */
export function chainOf(weights, values) {
  let end = values[0].map(() => 0);
  return values.map((value, k) => {
    end = end.map((at, axis) => at + weights[k] * value[axis]);
    return end;
  });
}
