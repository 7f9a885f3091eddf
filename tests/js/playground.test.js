import assert from "node:assert/strict";
import test from "node:test";
import { arithmeticOf } from "../../course_lib/widgets/playground/arithmetic.js";
import { formulaOf, wordsOf } from "../../course_lib/widgets/playground/labels.js";
import {
  answered,
  cellsOf,
  chainOf,
  computed,
  discRadius,
  maskFrom,
  maskName,
  maskRows,
  projected,
  sharesOf,
  winnerOf,
} from "../../course_lib/widgets/playground/numbers.js";

const TOKENS = ["the", "cat"];
const STATE = {
  queries: [
    [1, 0],
    [0, -2],
  ],
  keys: [
    [2, 1],
    [1, -3],
  ],
  values: [
    [1, 0],
    [0, 4],
  ],
  mask: [],
  seq: 3,
};
const open = maskFrom([], 2);
const picture = computed(STATE, undefined, undefined);
const near = (found, expected) => found.forEach((x, i) => assert.ok(Math.abs(x - expected[i]) < 1e-6, `${found}`));

test("masks travel as text and have names", () => {
  assert.deepEqual(open, [
    [true, true],
    [true, true],
  ]);
  assert.deepEqual(maskRows(open), []);
  const causal = maskFrom(["10", "11"], 2);
  assert.deepEqual(maskRows(causal), ["10", "11"]);
  assert.deepEqual([open, causal, maskFrom(["01", "11"], 2)].map(maskName), ["none", "causal", null]);
});

test("a picture holds all steps, and keeps the rows of queries that have not changed", () => {
  assert.deepEqual(picture.scores, [
    [2, 1],
    [-2, 6],
  ]);
  near(picture.weights[0], [0.66976155, 0.33023845]);
  const moved = { ...STATE, queries: [STATE.queries[0], [0, 0]], seq: 4 };
  const next = computed(moved, undefined, picture);
  assert.equal(next.weights[0], picture.weights[0]);
  assert.deepEqual(next.weights[1], [0.5, 0.5]);
  assert.notEqual(computed({ ...moved, keys: [...STATE.keys] }, undefined, picture).weights[0], picture.weights[0]);
});

test("Python's answer is read row by row, beside the library's scores", () => {
  const found = answered(STATE, Float32Array.of(1, 0, 0.5, 0.5, 7, 8, 9, 10), false, undefined);
  assert.deepEqual(found.weights, [
    [1, 0],
    [0.5, 0.5],
  ]);
  assert.deepEqual(found.context, [
    [7, 8],
    [9, 10],
  ]);
  assert.deepEqual(found.scores, picture.scores);
  assert.equal(found.works, false);
});

test("all scores share one scale, and what is hidden stays empty", () => {
  const mask = maskFrom(["11", "01"], 2);
  assert.deepEqual(sharesOf(picture, open, "scores")[1], [0.5 - 2 / 6 / 2, 1]);
  assert.equal(sharesOf(picture, open, "scaled")[1][1], 0.5 + 1 / Math.SQRT2 / 2);
  assert.deepEqual(
    sharesOf(picture, mask, "masked").map((row) => row.map(Number.isNaN)),
    [
      [false, false],
      [true, false],
    ],
  );
});

test("cells say what they are", () => {
  const mask = maskFrom(["11", "01"], 2);
  const [[first, second], [hidden]] = cellsOf(
    computed({ ...STATE, mask: ["11", "01"] }, mask, undefined),
    mask,
    "weights",
    TOKENS,
  );
  assert.deepEqual([first.text, first.state, second.state], ["0.67", "winner", ""]);
  assert.equal(first.name, "the attends to the with weight 0.67");
  assert.deepEqual([hidden.text, hidden.state], ["0.00", "hidden"]);
  const masked = cellsOf(picture, mask, "masked", TOKENS)[1][0];
  assert.deepEqual([masked.text, masked.fill], ["−∞", undefined]);
  assert.match(masked.name, /cat may not look at the/);
  assert.match(cellsOf(picture, open, "context", TOKENS)[0][1].name, /context of the, dimension 2/);
});

test("geometry of the planes", () => {
  assert.equal(winnerOf([0.1, 0.7, 0.2]), 1);
  assert.deepEqual([discRadius(0), discRadius(1), discRadius(4)], [0, 31, 31]);
  assert.deepEqual(projected([3, 5], [2, 0]), [3, 0]);
  assert.equal(projected([3, 5], [0, 0]), null);
  assert.deepEqual(chainOf([0.5, 0.25], STATE.values), [
    [0.5, 0],
    [0.5, 1],
  ]);
});

test("each step's sum is written out", () => {
  const lines = (stage, of = picture, mask = [true, true]) =>
    arithmeticOf(stage, { picture: of, mask, who: 1, tokens: TOKENS, functionName: "mine" });
  assert.deepEqual(lines("scores").rows[1], ["cat · cat", "= 0.00×1.00 + (−2.00)×(−3.00)", "= 6.00"]);
  assert.deepEqual(lines("scaled").rows[1], ["cat · cat", "= 6.00 / 1.41", "≈ 4.24"]);
  assert.deepEqual(lines("masked", picture, [false, true]).rows[0].slice(0, 1), ["cat · the"]);
  assert.equal(lines("masked", picture, [false, true]).rows[0][2], "= −∞");
  const { rows, sum } = lines("weights");
  assert.deepEqual(rows[1], ["cat → cat", "= e^(4.24) / sum ≈ 69.6 / 69.8", "= 1.00 ★"]);
  assert.equal(sum[2], "= 1.00");
  const context = lines("context");
  assert.deepEqual(context.sum, ["together", "", "= (0.00, 3.99)"]);
  assert.deepEqual(lines("weights", { ...picture, works: false }), { rows: [], sum: null });
});

test("where a function gives something else than softmax, the sum says which function", () => {
  const other = {
    ...picture,
    weights: [
      [1, 0],
      [1, 0],
    ],
  };
  const row = { picture: other, mask: [true, true], who: 1, tokens: TOKENS, functionName: "mine" };
  assert.match(arithmeticOf("weights", row).rows[0][1], /^softmax: 0\.00; mine:$/);
  assert.equal(arithmeticOf("weights", row).sum[2], "= 1.00");
  assert.equal(arithmeticOf("context", row).sum[0], "mine:"); // its context is not the mix that stands above
});

test("where the rounded numbers that are shown do not give what is shown, the sign says so", () => {
  const state = { ...STATE, queries: [[0], [1]], keys: [[0], [4], [1]], values: [[1.25], [0], [0]] };
  const row = { mask: [true, true, true], who: 1, tokens: ["a", "b", "c"], functionName: "mine" };
  const three = computed(state, undefined, undefined);
  const lines = (stage, weights) =>
    arithmeticOf(stage, { ...row, picture: { ...three, weights: [[], weights], context: [[], [weights[0] * 1.25]] } });
  assert.deepEqual(lines("weights", [0.012, 0.956, 0.032]).sum.slice(1), ["= 0.01 + 0.96 + 0.03", "= 1.00"]);
  assert.deepEqual(lines("weights", [0.006, 0.968, 0.026]).sum.slice(1), ["= 0.01 + 0.97 + 0.03", "≈ 1.00"]);
  assert.deepEqual(lines("context", [0.014, 0.96, 0.026]).rows[0], ["a", "= 0.01 × (1.25)", "≈ (0.02)"]);
});

test("labels say which function ran", () => {
  assert.equal(formulaOf("weights", null), "softmax over the keys");
  assert.equal(formulaOf("weights", "mine"), "by mine");
  assert.equal(formulaOf("context", "mine"), "by mine");
  assert.equal(formulaOf("scaled", "mine"), "library: score / √d_k");
  assert.match(wordsOf("scaled", null, 4), /√4 = 2\.00/);
  assert.match(wordsOf("scaled", "mine", 4), /√4 = 2\.00/);
  assert.match(wordsOf("weights", "mine", 4), /^What mine returned/);
});

test("large scores are written less their maximum", () => {
  const far = computed(
    {
      ...STATE,
      queries: [
        [1, 0],
        [0, -20],
      ],
    },
    undefined,
    undefined,
  );
  const { rows } = arithmeticOf("weights", {
    picture: far,
    mask: [true, true],
    who: 1,
    tokens: TOKENS,
    functionName: "mine",
  });
  assert.equal(rows[1][1], "= e^(42.4 − 42.4) / sum = 1.00 / 1.00");
});
