// @ts-check
/** The attention maps of one part of a model: their rows, what each head looks at, and small versions of them. No page needed. */
import { entropy } from "./compute.js";

/** @typedef {{name: string, layers: number, heads: number, queries: string[], keys: string[], start: number}} Part */
/** @typedef {{entropy: number, previous: number, same: number, next: number, first: number}} Facts shares of the attention */

const SMALL = 24; // cells a side of a small map, at most

export class Heads {
  /**
   * @param {Uint16Array} all weights of the whole model, 65535 for 1: part, layer, head, query, key
   * @param {Part} part
   */
  constructor(all, part) {
    this.all = all;
    this.part = part;
    this.facts = Array.from({ length: part.layers * part.heads }, (_, number) => this.#factsOf(number));
  }

  /** Number of a head, counted over all layers. @param {number} layer @param {number} head */
  numberOf(layer, head) {
    return layer * this.part.heads + head;
  }

  /** Layer and head of a number. @param {number} number */
  placeOf(number) {
    return { layer: Math.floor(number / this.part.heads), head: number % this.part.heads };
  }

  /** Weights of a head, a row for each query. @param {number} number */
  rowsOf(number) {
    const { queries, keys, start } = this.part;
    return queries.map((_, query) => {
      const from = start + (number * queries.length + query) * keys.length;
      return Array.from(this.all.subarray(from, from + keys.length), (weight) => weight / 65535);
    });
  }

  /** All heads, those first that do most of what is wanted. @param {keyof Facts | "place"} wanted */
  inOrder(wanted) {
    const numbers = this.facts.map((_, number) => number);
    if (wanted === "place") return numbers;
    const sign = wanted === "entropy" ? 1 : -1; // the least entropy is the strongest focus
    return numbers.sort((a, b) => sign * (this.facts[a][wanted] - this.facts[b][wanted]));
  }

  /** One head, made small: each number the largest of its block, since a mean would hide small spots. @param {number} number */
  small(number) {
    const { queries, keys, start } = this.part;
    const [n, m] = [queries.length, keys.length];
    const [height, width] = [Math.min(SMALL, n), this.smallWidth];
    const small = new Float32Array(height * width);
    const from = start + number * n * m;
    for (let q = 0; q < n; q++) {
      const line = Math.floor((q * height) / n) * width;
      for (let k = 0; k < m; k++) {
        const at = line + Math.floor((k * width) / m);
        small[at] = Math.max(small[at], this.all[from + q * m + k]);
      }
    }
    return small;
  }

  get smallWidth() {
    return Math.min(SMALL, this.part.keys.length);
  }

  /** @param {number} number @returns {Facts} */
  #factsOf(number) {
    const rows = this.rowsOf(number);
    const most = Math.max(Math.log(this.part.keys.length), 1e-12);
    const mean = (/** @type {(row: number[]) => number} */ of) =>
      rows.reduce((sum, row) => sum + of(row), 0) / rows.length;
    return {
      entropy: mean(entropy) / most,
      previous: alongDiagonal(rows, -1),
      same: alongDiagonal(rows, 0),
      next: alongDiagonal(rows, 1),
      first: mean((row) => row[0]),
    };
  }
}

/** The mean weight of the keys so many places after their query. @param {number[][]} rows @param {number} offset */
function alongDiagonal(rows, offset) {
  const both = Math.min(rows.length, rows[0].length);
  let sum = 0;
  for (let query = 0; query < both; query++)
    if (query + offset >= 0 && query + offset < both) sum += rows[query][query + offset];
  return sum / Math.max(1, both - Math.abs(offset));
}
