import assert from "node:assert/strict";
import test from "node:test";
import { Heads } from "../../course_lib/widgets/head_numbers.js";
import { clockPoints, given, similarity, tableOf } from "../../course_lib/widgets/position_numbers.js";

const ONE = 65535;
const part = { name: "", layers: 1, heads: 2, queries: ["a", "b", "c"], keys: ["a", "b", "c"], start: 3 };
const previous = [ONE, 0, 0, ONE, 0, 0, 0, ONE, 0];
const same = [ONE, 0, 0, 0, ONE, 0, 0, 0, ONE];
const heads = new Heads(Uint16Array.from([7, 7, 7, ...previous, ...same]), part);

test("heads tell what they look at", () => {
  assert.deepEqual(heads.rowsOf(0), [
    [1, 0, 0],
    [1, 0, 0],
    [0, 1, 0],
  ]);
  assert.equal(heads.facts[0].previous, 1);
  assert.equal(heads.facts[1].same, 1);
  assert.equal(heads.facts[0].first, 2 / 3);
  assert.equal(heads.facts[1].entropy, 0);
  assert.deepEqual(heads.inOrder("place"), [0, 1]);
  assert.deepEqual(heads.inOrder("same"), [1, 0]);
  assert.deepEqual(heads.placeOf(heads.numberOf(0, 1)), { layer: 0, head: 1 });
});

test("a small map keeps the largest number of each block", () => {
  const n = 48;
  const keys = Array.from({ length: n }, String);
  const all = new Uint16Array(n * n);
  all[3 * n + 5] = ONE;
  const small = new Heads(all, { name: "", layers: 1, heads: 1, queries: keys, keys, start: 0 }).small(0);
  assert.equal(small.length, 24 * 24);
  assert.equal(small[1 * 24 + 2], ONE);
  assert.equal(small.filter(Boolean).length, 1);
});

test("every kind of positions has its table", () => {
  const positions = { kind: "sinusoidal", length: 5, d: 8, base: 10000, learned: null };
  assert.deepEqual(tableOf(positions)[0], [0, 1, 0, 1, 0, 1, 0, 1]);
  assert.deepEqual(tableOf({ ...positions, kind: "rotary" })[0], new Array(8).fill(1));
  const alibi = tableOf({ ...positions, kind: "alibi" });
  assert.deepEqual([alibi.length, alibi[0].length], [5, 2]);
  assert.ok(alibi[2][0] < alibi[1][0] && alibi[1][0] < 0);
  const learned = Float32Array.from({ length: 4 }, (_, i) => i);
  assert.deepEqual(tableOf({ ...positions, kind: "learned", length: 2, d: 2, learned }), [
    [0, 1],
    [2, 3],
  ]);
});

test("a position is most like itself; to ALiBi the nearest is", () => {
  for (const kind of ["sinusoidal", "rotary", "alibi"]) {
    const rows = tableOf({ kind, length: 9, d: 8, base: 10000, learned: null });
    const alike = similarity(kind, rows, 4);
    assert.equal(alike.indexOf(Math.max(...alike)), 4);
    assert.ok(Math.abs(alike[3] - alike[5]) < 1e-12);
  }
});

test("the clock's hand starts to the right and turns to the left", () => {
  const rows = tableOf({ kind: "sinusoidal", length: 3, d: 2, base: 10000, learned: null });
  const [[x, y], [, later]] = clockPoints("sinusoidal", rows, 0, 80);
  assert.ok(Math.abs(x - 80) < 1e-9 && Math.abs(y) < 1e-9 && later < 0);
});

test("without positions the order of the tokens changes nothing", () => {
  const positions = { kind: "rotary", length: 6, d: 4, base: 10000, learned: null };
  const rows = tableOf(positions);
  const sample = (kind, token) => [token, 1, kind === "keys" ? 0.5 : 1, token / 2];
  const [sorted, mixed] = [
    [0, 1, 2],
    [2, 0, 1],
  ].map((order) => given(positions, rows, order, sample));
  [0, 1, 2].forEach((place) => assert.ok(Math.abs(mixed.plain[place] - sorted.plain[[2, 0, 1][place]]) < 1e-12));
  assert.ok(Math.abs(mixed.placed[1] - sorted.placed[0]) > 1e-3);
});
