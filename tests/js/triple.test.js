import assert from "node:assert/strict";
import test from "node:test";
import { attend, said, WORDS, within } from "../../course_lib/classroom/home/static/triple.js";

const keys = WORDS.map((word) => word.key);
const close = (got, expected) => assert.ok(Math.abs(got - expected) < 1e-12, `${got} is not ${expected}`);

test("the shares of the first picture are a softmax of twice the dot products", () => {
  const shares = attend([0.3, -0.7], keys);
  const exponentials = keys.map(([x, y]) => Math.exp(2 * (0.3 * x - 0.7 * y)));
  const sum = exponentials.reduce((total, one) => total + one, 0);
  exponentials.forEach((one, index) => {
    close(shares[index], one / sum);
  });
});

test("shares are positive and sum to 1, wherever the arrow points", () => {
  for (const query of [
    [0, 0],
    [2, 0],
    [0, -2],
    [400, 400],
  ]) {
    const shares = attend(query, keys);
    close(
      shares.reduce((total, share) => total + share, 0),
      1,
    );
    assert.ok(shares.every((share) => share >= 0));
  }
  for (const share of attend([0, 0], keys)) close(share, 1 / 3);
});

test("each word is heard best by an arrow along its key", () => {
  keys.forEach((key, index) => {
    const shares = attend(key, keys);
    assert.equal(shares.indexOf(Math.max(...shares)), index);
  });
});

test("the arrow is no longer than the picture has room, and keeps its direction", () => {
  assert.deepEqual(within(0.5, -1), [0.5, -1]);
  const [x, y] = within(30, -40);
  close(Math.hypot(x, y), 2);
  close(y / x, -40 / 30);
});

test("a screen reader hears whole percents", () => {
  assert.equal(said([0.815, 0.18, 0.005]), "cat 82 percent, mat 18 percent, it 1 percent");
});
