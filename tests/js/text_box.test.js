import assert from "node:assert/strict";
import test from "node:test";
import { firstOf } from "../../course_lib/widgets/kit/text_box.js";

test("a text is cut between characters, and halves of them are replaced", () => {
  assert.equal(firstOf("котка", 5), "котка");
  assert.equal(firstOf("котка", 3), "кот");
  assert.equal(firstOf("😀😀😀", 2), "😀😀");
  assert.equal(firstOf("a\uD83Db\uDE00", 9), "a\uFFFDb\uFFFD");
  assert.equal(firstOf("", 9), "");
});
