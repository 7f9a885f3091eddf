// @ts-check
/** The sum that a learner would write down: how one step makes the numbers of one query. Nothing here knows of a page. */
import { mixed } from "../compute.js";
import { filled, readable, readableVector, shortened } from "../kit/format.js";
import { winnerOf } from "./numbers.js";
import { TEXT } from "./texts.js";

/** @typedef {import("./numbers.js").Picture} Picture */
/** @typedef {[string, string, string]} Line what, how, result */
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

/** @param {Row} row @param {number} k */
function pair({ tokens, who }, k) {
  return `${shortened(tokens[who])} · ${shortened(tokens[k])}`;
}

/** @param {Row} row @returns {Sum} */
function scores(row) {
  const { state, scores } = row.picture;
  const rows = row.tokens.map((_, k) => {
    const products = state.queries[row.who].map((q, d) => `${factor(q)}×${factor(state.keys[k][d])}`);
    return /** @type {Line} */ ([pair(row, k), `= ${products.join(" + ")}`, readable(scores[row.who][k])]);
  });
  return { rows, sum: null };
}

/** @param {Row} row @returns {Sum} */
function scaled(row) {
  const { state, scores, scaled } = row.picture;
  const root = readable(Math.sqrt(state.keys[0].length));
  const rows = row.tokens.map((_, k) => {
    const how = `= ${readable(scores[row.who][k])} / ${root}`;
    return /** @type {Line} */ ([pair(row, k), how, readable(scaled[row.who][k])]);
  });
  return { rows, sum: null };
}

/** @param {Row} row @returns {Sum} */
function masked(row) {
  const { scaled } = row.picture;
  const rows = row.tokens.map((_, k) => {
    const score = readable(scaled[row.who][k]);
    const [how, result] = row.mask[k] ? [TEXT.kept, score] : [filled(TEXT.hidden, { score }), "−∞"];
    return /** @type {Line} */ ([pair(row, k), how, result]);
  });
  return { rows, sum: null };
}

/** @param {Row} row @returns {Sum} */
function weights({ picture, mask, who, tokens, functionName }) {
  const [scores, weights] = [picture.scaled[who], picture.weights[who]];
  const top = Math.max(...scores.filter((_, k) => mask[k]));
  const powers = scores.map((x, k) => (mask[k] ? Math.exp(x - top) : 0));
  const all = powers.reduce((total, power) => total + power, 0);
  // The sum is written with plain exponentials where they are readable; the shares are the same without the maximum.
  const [shift, lift] = Math.abs(top) < 7 ? ["", Math.exp(top)] : [` − ${readable(top)}`, 1];
  const winner = winnerOf(weights);
  const shares = powers.map((power) => (all ? power / all : 0));
  const isSoftmax = shares.every((share, k) => Math.abs(share - weights[k]) <= 2e-3);
  const rows = tokens.map((token, k) => {
    const mark = k === winner && weights[k] > 0 ? ` ${TEXT.winner}` : "";
    const power = mask[k] ? `e^(${readable(scores[k])}${shift})` : "e^(−∞)";
    const how = isSoftmax
      ? `= ${power} / sum = ${readable(powers[k] * lift)} / ${readable(all * lift)}`
      : filled(TEXT.gave, { expected: readable(shares[k]), name: functionName });
    return /** @type {Line} */ ([
      `${shortened(tokens[who])} → ${shortened(token)}`,
      how,
      `${readable(weights[k])}${mark}`,
    ]);
  });
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return { rows, sum: [TEXT.total, `= ${weights.map(readable).join(" + ")}`, readable(total)] };
}

/** @param {Row} row @returns {Sum} */
function context({ picture, who, tokens, functionName }) {
  const [weights, { values }] = [picture.weights[who], picture.state];
  const rows = tokens.map((token, k) => {
    const share = values[k].map((x) => x * weights[k]);
    const how = `= ${readable(weights[k])} × ${readableVector(values[k])}`;
    return /** @type {Line} */ ([shortened(token), how, readableVector(share)]);
  });
  const isMix = mixed(weights, values).every(
    (x, d) => Math.abs(x - picture.context[who][d]) <= 2e-3 * Math.max(1, Math.abs(x)),
  );
  return { rows, sum: [isMix ? TEXT.total : `${functionName}:`, "", readableVector(picture.context[who])] };
}
