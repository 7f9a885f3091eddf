import assert from "node:assert/strict";
import test from "node:test";
import {
  circles,
  convexHull,
  extentFor,
  gridLines,
  labelPlaces,
  roundedUp,
  ticks,
} from "../../course_lib/widgets/kit/geometry.js";

test("ends of axes are round and hold what they must", () => {
  assert.deepEqual([0, 0.9, 1, 1.2, 7, 8.5, 230].map(roundedUp), [1, 1, 1, 1.5, 8, 10, 250]);
  for (let size = 0.013; size < 5000; size *= 1.37) {
    const end = roundedUp(size);
    assert.ok(end >= size * 0.999 && end <= size * 1.7, `${size} → ${end}`);
  }
});

test("an axis has four to eight round numbers", () => {
  assert.deepEqual(ticks(0, 1), [0, 0.2, 0.4, 0.6000000000000001, 0.8, 1]);
  for (const [from, to] of [
    [-3, 17],
    [0, 0.004],
    [-250, -20],
    [5, 5],
  ]) {
    const found = ticks(from, to);
    assert.ok(found.every((at) => at >= from - 1e-6 && at <= to + 1e-6));
    if (from < to) assert.ok(found.length >= 2 && found.length <= 11, `${found}`);
  }
});

test("a grid has its middle at exactly 0, and as many lines on either side", () => {
  for (const extent of [0.5, 1, 1.5, 2.5, 8, 30]) {
    const lines = gridLines(extent);
    assert.equal(lines[(lines.length - 1) / 2], 0);
    assert.ok(lines.every((at) => Math.abs(at) <= extent * 1.0001));
  }
});

test("axes grow at once, shrink only where they may, and are never without length", () => {
  assert.equal(extentFor(2, 1.9, true), 2);
  assert.equal(extentFor(2, 2.5, false), 3);
  assert.equal(extentFor(8, 1, false), 8);
  assert.equal(extentFor(8, 1, true), 1.5);
  assert.equal(extentFor(0, 0, false), 1); // all vectors are zero, and nothing was drawn before
});

test("labels stay inside and apart from tips and from each other", () => {
  const points = [
    [160, 20],
    [300, 160],
    [20, 300],
    [160, 300],
    [165, 295],
  ].map((at) => ({ at, letters: 6 }));
  const places = labelPlaces(points, 320);
  const box = ([x, y]) => [x - 21.8, y - 11, x + 21.8, y + 3];
  const meet = (a, b) => a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3];
  places.forEach((place, index) => {
    const [left, top, right, bottom] = box(place);
    assert.ok(left >= 0 && top >= 0 && right <= 320 && bottom <= 320, `${place}`);
    for (const other of places.slice(index + 1)) assert.ok(!meet(box(place), box(other)), `${place} on ${other}`);
  });
  assert.deepEqual(labelPlaces([], 320), []);
});

test("a hull has the outer points alone, in order", () => {
  const square = [
    [0, 0],
    [2, 0],
    [2, 2],
    [0, 2],
  ];
  assert.deepEqual(convexHull([...square, [1, 1], [1, 0]]), square);
  assert.deepEqual(convexHull([[3, 4]]), [[3, 4]]);
});

test("circles are one outline, and none for nothing", () => {
  const points = [
    [10, 20],
    [30.04, 40],
  ];
  assert.equal(
    circles(points, (index) => 2 * (1 - index)),
    "M8 20a2 2 0 1 0 4 0a2 2 0 1 0 -4 0",
  );
  assert.match(
    circles(points, () => 1),
    /^M9 20a.*M29 40a/,
  );
});
