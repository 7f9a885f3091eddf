import assert from "node:assert/strict";
import test from "node:test";
import { cellReached, directionOf, isCommand } from "../../course_lib/widgets/kit/keys.js";

test("arrows point right and up", () => {
  assert.deepEqual(directionOf("ArrowUp"), [0, 1]);
  assert.deepEqual(directionOf("ArrowLeft"), [-1, 0]);
  assert.equal(directionOf("a"), null);
  assert.equal(directionOf("toString"), null); // no key, but a name that every object knows
});

test("in a grid a key leads to a cell, and stays at the edge", () => {
  const from = (key, at, step) => cellReached(key, at, [3, 5], step);
  assert.deepEqual(from("ArrowDown", [0, 2]), [1, 2]);
  assert.deepEqual(from("ArrowUp", [0, 2]), [0, 2]);
  assert.deepEqual(from("ArrowRight", [1, 4]), [1, 4]);
  assert.deepEqual(from("ArrowLeft", [1, 4]), [1, 3]);
  assert.deepEqual(from("ArrowDown", [0, 2], 8), [2, 2]);
  assert.deepEqual(from("Home", [1, 3]), [1, 0]);
  assert.deepEqual(from("End", [1, 0]), [1, 4]);
  for (const key of ["Enter", " ", "x", "PageDown"]) assert.equal(from(key, [1, 1]), null);
});

test("keys with Ctrl, Meta or Alt are the notebook's", () => {
  const pressed = { ctrlKey: false, metaKey: false, altKey: false, shiftKey: true };
  assert.equal(isCommand(pressed), false);
  for (const key of ["ctrlKey", "metaKey", "altKey"]) assert.equal(isCommand({ ...pressed, [key]: true }), true);
});
