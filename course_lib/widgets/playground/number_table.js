// @ts-check
/** Vectors as numbers to type: the way without dragging, and the only one where there are not two dimensions. */
import { numberInput } from "../kit/controls.js";
import { html } from "../kit/elements.js";
import { filled } from "../kit/format.js";
import { tipGlyph } from "../kit/plane.js";
import { TEXT, TIPS } from "./texts.js";

/** @typedef {import("./session.js").Session} Session */
/** @typedef {import("./texts.js").Kind} Kind */

export const IN_VIEW = 3; // up to so many tokens have their numbers in view, and their sum beside them

/**
 * Tables of some kinds of vectors, in view where they are short, else to fold away.
 * @param {Session} session @param {Kind[]} kinds @param {boolean} isOnly whether there is no plane
 */
export function makeNumbers(session, kinds, isOnly) {
  const tables = kinds.map((kind) => makeTable(session, kind));
  const element = html("div", { class: "cl-tables" }, ...tables.map((table) => table.element));
  element.classList.toggle("cl-one-table", !isOnly); // two dimensions: both kinds have room beside each token's name
  return {
    element:
      session.n <= IN_VIEW
        ? element
        : html("details", { class: "cl-details", open: isOnly }, html("summary", {}, TEXT.numbers), element),
    show: () => tables.forEach((table) => table.show()),
  };
}

/** @param {Session} session @param {Kind} kind */
function makeTable(session, kind) {
  const name = TEXT.kinds[kind];
  const inputs = session.tokens.map((token, index) =>
    session.start[kind][0].map((_, d) =>
      numberInput({
        label: filled(TEXT.numberOf, { kind: name, token, d: d + 1 }),
        read: () => session.state[kind][index][d],
        change: (value) => session.moveAlong(kind, index, d, value),
        focus: () => kind === "queries" && session.look("selected", index),
      }),
    ),
  );
  const rows = inputs.map((row, index) =>
    html(
      "div",
      { class: "cl-numbers-row" },
      html("span", { class: "cl-numbers-token", title: session.tokens[index] }, session.tokens[index]),
      ...row.map(({ input }) => input),
    ),
  );
  const head = html("div", { class: "cl-numbers-name" }, tipGlyph(name, TIPS[kind]), kind);
  return {
    element: html("div", { class: `cl-numbers cl-${name}` }, head, ...rows),
    show: () => inputs.flat().forEach((input) => input.show()),
  };
}
