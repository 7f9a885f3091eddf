// @ts-check
/** The sum that a learner would write down: how one step makes the numbers of one query. Nothing here knows of a page. */
import { mixed } from "../compute.js";
import { filled, readable, readableVector, shortened } from "../kit/format.js";
import { winnerOf } from "./numbers.js";
import { TEXT } from "./texts.js";

/** @typedef {import("./numbers.js").Picture} Picture */
/** @typedef {[string, string, string]} Line what, how, and the result with its sign */
/**
 * @typedef {{picture: Picture, mask: boolean[], who: number, tokens: string[], functionName: string}} Row
 *   mask: which keys the query may see
 */
/** @typedef {{rows: Line[], sum: Line | null}} Sum sum: what the rows add up to */

/**
 * Lines for the followed query, at a step.
 * @param {import("./texts.js").Stage} stage @param {Row} row @returns {Sum}
 */
export function arithmeticOf(stage, row) {
  // Older weights do not follow from the scores of now.
  if (!row.picture.works && (stage === "weights" || stage === "context")) return { rows: [], sum: null };
  return { scores, scaled, masked, weights, context }[stage](row);
}

/** A factor in a product: negative numbers in brackets. @param {number} value */
function factor(value) {
  return value < 0 ? `(${readable(value)})` : readable(value);
}

/** A number as it is shown. @param {number} value */
function shown(value) {
  return Number.isFinite(value) ? Number(readable(value).replace("−", "-")) : value;
}

/**
 * The sign before a result: who reckons with the rounded numbers that are shown may get a little more or less than it.
 * @param {number[]} reckoned from the numbers as they are shown @param {number[]} result
 */
function sign(reckoned, result) {
  const isShown = (/** @type {number} */ value, /** @type {number} */ d) =>
    readable(value) === readable(result[d]) || Math.abs(value - result[d]) < 1e-6 * Math.abs(value); // or between two
  return reckoned.every(isShown) ? "=" : "≈";
}

/** @param {number[]} values */
function totalOf(values) {
  return values.reduce((total, value) => total + value, 0);
}

/** @param {Row} row @param {number} k */
function pair({ tokens, who }, k) {
  return `${shortened(tokens[who])} · ${shortened(tokens[k])}`;
}

/** @param {Row} row @returns {Sum} */
function scores(row) {
  const { state, scores } = row.picture;
  const rows = row.tokens.map((_, k) => {
    const [query, key, score] = [state.queries[row.who], state.keys[k], scores[row.who][k]];
    const products = query.map((q, d) => `${factor(q)}×${factor(key[d])}`);
    const sum = totalOf(query.map((q, d) => shown(q) * shown(key[d])));
    const result = `${sign([sum], [score])} ${readable(score)}`;
    return /** @type {Line} */ ([pair(row, k), `= ${products.join(" + ")}`, result]);
  });
  return { rows, sum: null };
}

/** @param {Row} row @returns {Sum} */
function scaled(row) {
  const { state, scores, scaled } = row.picture;
  const root = Math.sqrt(state.keys[0].length);
  const rows = row.tokens.map((_, k) => {
    const [before, after] = [scores[row.who][k], scaled[row.who][k]];
    const result = `${sign([shown(before) / shown(root)], [after])} ${readable(after)}`;
    return /** @type {Line} */ ([pair(row, k), `= ${readable(before)} / ${readable(root)}`, result]);
  });
  return { rows, sum: null };
}

/** @param {Row} row @returns {Sum} */
function masked(row) {
  const { scaled } = row.picture;
  const rows = row.tokens.map((_, k) => {
    const score = readable(scaled[row.who][k]);
    const [how, result] = row.mask[k] ? [TEXT.kept, score] : [filled(TEXT.hidden, { score }), "−∞"];
    return /** @type {Line} */ ([pair(row, k), how, `= ${result}`]);
  });
  return { rows, sum: null };
}

/** @param {Row} row @returns {Sum} */
function weights({ picture, mask, who, tokens, functionName }) {
  const [scores, weights] = [picture.scaled[who], picture.weights[who]];
  const top = Math.max(...scores.filter((_, k) => mask[k]));
  const powers = scores.map((x, k) => (mask[k] ? Math.exp(x - top) : 0));
  const all = totalOf(powers);
  // The sum is written with plain exponentials where they are readable; the shares are the same without the maximum.
  const [shift, lift] = Math.abs(top) < 7 ? ["", Math.exp(top)] : [` − ${readable(top)}`, 1];
  const winner = winnerOf(weights);
  const shares = powers.map((power) => (all ? power / all : 0));
  const isSoftmax = shares.every((share, k) => Math.abs(share - weights[k]) <= 2e-3);
  const rows = tokens.map((token, k) => {
    const mark = k === winner && weights[k] > 0 ? ` ${TEXT.winner}` : "";
    const [part, whole] = [powers[k] * lift, all * lift];
    const power = mask[k] ? `e^(${readable(scores[k])}${shift})` : "e^(−∞)";
    const reckoned = mask[k] ? Math.exp(shown(scores[k]) - (shift ? shown(top) : 0)) : 0;
    const how = isSoftmax
      ? `= ${power} / sum ${sign([reckoned], [part])} ${readable(part)} / ${readable(whole)}`
      : filled(TEXT.gave, { expected: readable(shares[k]), name: functionName });
    const equals = isSoftmax ? sign([shown(part) / shown(whole)], [weights[k]]) : "=";
    return /** @type {Line} */ ([
      `${shortened(tokens[who])} → ${shortened(token)}`,
      how,
      `${equals} ${readable(weights[k])}${mark}`,
    ]);
  });
  const total = totalOf(weights);
  const equals = sign([totalOf(weights.map(shown))], [total]);
  return { rows, sum: [TEXT.total, `= ${weights.map(readable).join(" + ")}`, `${equals} ${readable(total)}`] };
}

/** @param {Row} row @returns {Sum} */
function context({ picture, who, tokens, functionName }) {
  const [weights, { values }] = [picture.weights[who], picture.state];
  const made = picture.context[who];
  const shares = values.map((value, k) => value.map((x) => x * weights[k]));
  const rows = tokens.map((token, k) => {
    const how = `= ${readable(weights[k])} × ${readableVector(values[k])}`;
    const reckoned = values[k].map((x) => shown(weights[k]) * shown(x));
    return /** @type {Line} */ ([shortened(token), how, `${sign(reckoned, shares[k])} ${readableVector(shares[k])}`]);
  });
  const isMix = mixed(weights, values).every((x, d) => Math.abs(x - made[d]) <= 2e-3 * Math.max(1, Math.abs(x)));
  const together = made.map((_, d) => totalOf(shares.map((share) => shown(share[d]))));
  const equals = isMix ? sign(together, made) : "=";
  return { rows, sum: [isMix ? TEXT.total : `${functionName}:`, "", `${equals} ${readableVector(made)}`] };
}
