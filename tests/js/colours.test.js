import assert from "node:assert/strict";
import test from "node:test";
import { cividis, cividisPixel, signedPixel } from "../../course_lib/widgets/kit/colours.js";

const parts = (pixel) => [pixel & 255, (pixel >> 8) & 255, (pixel >> 16) & 255, pixel >>> 24];

test("the ends of cividis, and what lies beyond them", () => {
  assert.equal(cividis(0).fill, "rgb(0, 34, 78)");
  assert.equal(cividis(1).fill, "rgb(254, 232, 56)");
  assert.deepEqual(cividis(-1), cividis(0));
  assert.deepEqual(cividis(7), cividis(1));
  assert.deepEqual(cividis(NaN), cividis(0));
});

test("cividis grows brighter, and its ink can be read on it", () => {
  const bright = ([r, g, b]) => 0.299 * r + 0.587 * g + 0.114 * b;
  let before = -1;
  for (let share = 0; share <= 1; share += 0.01) {
    const { fill, ink } = cividis(share);
    const now = bright(fill.match(/\d+/g).map(Number));
    assert.ok(now >= before - 0.5, `${share}`);
    assert.ok(Math.abs(now - (ink === "#ffffff" ? 255 : 17)) > 95, `${share}`);
    before = now;
  }
});

test("pixels are the same colours", () => {
  for (const share of [0, 51 / 255, 1]) {
    const [r, g, b, alpha] = parts(cividisPixel(share));
    assert.equal(`rgb(${r}, ${g}, ${b})`, cividis(share).fill);
    assert.equal(alpha, 255);
  }
  assert.deepEqual(parts(signedPixel(-1)), [0, 114, 178, 255]);
  assert.deepEqual(parts(signedPixel(0.5)), [213, 94, 0, 128]);
  assert.equal(parts(signedPixel(0))[3], 0);
});
