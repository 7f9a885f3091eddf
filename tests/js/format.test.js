import assert from "node:assert/strict";
import test from "node:test";
import { filled, readable, readableVector, shortened, tickName } from "../../course_lib/widgets/kit/format.js";

test("numbers have at most three leading digits and a true minus sign", () => {
  const cases = [
    [0, "0.00"],
    [-0, "0.00"],
    [-0.001, "0.00"],
    [1.005, "1.00"],
    [-1.25, "−1.25"],
    [9.994, "9.99"],
    [9.996, "10.0"],
    [-99.96, "−100"],
    [12345, "12345"],
    [123456, "1.2e+5"],
    [-123456, "−1.2e+5"],
    [NaN, "?"],
    [Infinity, "∞"],
    [-Infinity, "−∞"],
  ];
  for (const [value, text] of cases) assert.equal(readable(value), text);
  assert.equal(readableVector(Float32Array.of(1, -2)), "(1.00, −2.00)");
});

test("a number beside an axis is as short as it can be", () => {
  assert.deepEqual([0.1 + 0.2, -1.5, 1000, 0].map(tickName), ["0.3", "−1.5", "1000", "0"]);
});

test("texts are filled in once, whatever the values hold", () => {
  assert.equal(filled("{a} and {b}, {a}", { a: "{b}", b: 2 }), "{b} and 2, {b}");
});

test("long labels are cut between whole characters", () => {
  assert.equal(shortened("котка"), "котка");
  assert.equal(shortened("Transformer"), "Transfor…");
  assert.equal(shortened("😀😀😀😀", 3), "😀😀…");
});
