// @ts-check
/** The maps of a crowd: queries and keys for four of the steps, queries and dimensions for contexts. */
import { html, setText } from "../kit/elements.js";
import { filled, readable } from "../kit/format.js";
import { HeatMap } from "../kit/heat_map.js";
import { namesOf } from "./crowd_planes.js";
import { numbersOf } from "./numbers.js";
import { CROWD_TEXT, TEXT } from "./texts.js";

/** @typedef {import("./session.js").Session} Session */
/** @typedef {{key: number, pick: (key: number) => void}} Hand */

/** @param {Session} session @param {Hand} hand */
export function makeCrowdMap(session, hand) {
  const [square, wide] = [makeSquare(session, hand), makeWide(session)];
  const caption = html("p", { class: "cl-caption" });
  return {
    elements: [square.element, wide.element, caption],
    draw() {
      const { picture, stage, selected: row } = session;
      const isContext = stage === "context";
      square.element.style.display = isContext ? "none" : "";
      wide.element.style.display = isContext ? "" : "none";
      const shown = numbersOf(picture, stage);
      const top = session.farthest(session.hasWeights || stage !== "weights" ? shown : [[0]]);
      if (isContext) wide.show(shown, { top, row });
      else {
        square.signed = stage !== "weights";
        square.show(stage === "masked" ? visible(shown, session.maskOf(picture.state)) : shown, { top, row });
        square.pick(row, hand.key);
      }
      const told = isContext ? CROWD_TEXT.mapContext : stage === "weights" ? CROWD_TEXT.map : CROWD_TEXT.mapSigned;
      const strongest = stage === "weights" ? top.toPrecision(2) : readable(top);
      setText(caption, filled(told, { ...namesOf(session, hand), top: strongest }));
    },
  };
}

/** Numbers where a query may look, NaN elsewhere. @param {number[][]} rows @param {boolean[][]} mask */
function visible(rows, mask) {
  return rows.map((row, q) => row.map((value, k) => (mask[q][k] ? value : NaN)));
}

/** @param {Session} session @param {Hand} hand */
function makeSquare(session, hand) {
  const { tokens } = session;
  return new HeatMap({
    label: TEXT.stage.weights.name,
    rows: tokens,
    columns: tokens,
    rowName: "queries",
    columnName: "keys",
    tell(q, k) {
      const { stage, picture } = session;
      const isHidden = stage === "masked" && !session.maskOf(picture.state)[q][k];
      const words = isHidden ? TEXT.stage.masked.hiddenCell : TEXT.stage[stage].cell;
      // While contexts are shown this map is out of sight, but it is asked for its words.
      const numbers = stage === "context" ? picture.scaled : numbersOf(picture, stage);
      return filled(words, { query: tokens[q], key: tokens[k], number: readable(numbers[q][k]) });
    },
    go(q, k) {
      hand.key = k;
      if (q === session.selected) hand.pick(k);
      else session.look("selected", q);
    },
    act: (q, k) => session.stage === "masked" && session.toggle(q, k),
  });
}

/** @param {Session} session */
function makeWide(session) {
  const { tokens, dV } = session;
  const map = new HeatMap({
    label: TEXT.stage.context.name,
    rows: tokens,
    columns: Array.from({ length: dV }, (_, d) => String(d + 1)),
    signed: true,
    tell: (q, d, value) => filled(TEXT.stage.context.cell, { query: tokens[q], key: d + 1, number: readable(value) }),
    go: (q) => session.look("selected", q),
  });
  map.element.classList.add("cl-contexts");
  return map;
}
