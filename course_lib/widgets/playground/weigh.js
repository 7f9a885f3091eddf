// @ts-check
/** The matrix of the step, with its words, its mask and what is to be noted about it. */
import { html, setAttributes, setText } from "../kit/elements.js";
import { readable } from "../kit/format.js";
import { Matrix } from "../kit/matrix.js";
import { wordsOf } from "./labels.js";
import { legend } from "./legend.js";
import { cellsOf } from "./numbers.js";
import { makeMaskButtons } from "./sentence.js";
import { TEXT, TIPS } from "./texts.js";

/** @typedef {import("./session.js").Session} Session */

/** @param {Session} session @param {() => void} onKey another key is at hand */
export function makeWeigh(session, onKey) {
  const maskButtons = makeMaskButtons(session);
  const matrix = new StageMatrix(session, onKey);
  const [stageName, words] = [html("h4"), html("p", { class: "cl-words" })];
  const staleMark = html("p", { class: "cl-stale-mark" }, TEXT.stale);
  const nothing = html("p", { class: "cl-nothing" }, TEXT.nothingYet);
  const notes = html("ul", { class: "cl-notes" });
  const functionName = html("code");
  const ran = html("p", { class: "cl-function" }, TEXT.runsBeside, " ", functionName, ".");
  const element = html(
    "section",
    { class: "cl-panel cl-weigh", "aria-live": "off" },
    html("div", { class: "cl-panel-head" }, stageName, maskButtons.element),
    words,
    staleMark,
    nothing,
    matrix.element,
    notes,
    ran,
  );
  return {
    element,
    matrix,
    put: () => maskButtons.show(),
    draw() {
      const { picture, stage, driver, dK, hasWeights } = session;
      const isLate = stage === "weights" || stage === "context";
      matrix.draw();
      setText(stageName, TEXT.stage[stage].name);
      setText(words, wordsOf(stage, driver, dK));
      setText(functionName, session.functionName);
      ran.hidden = driver === null || !(session.shows("weights") || session.shows("context"));
      staleMark.hidden = picture.works || !isLate || !hasWeights;
      nothing.hidden = !isLate || hasWeights;
      element.classList.toggle("cl-stale", !picture.works && isLate);
      const noted = isLate && picture.works ? /** @type {string[]} */ (session.model.get("notes")) : [];
      notes.replaceChildren(...noted.map((note) => html("li", {}, note)));
    },
  };
}

/** One matrix of queries and keys for four of the steps, and one of queries and dimensions for contexts. */
class StageMatrix {
  /** @param {Session} session @param {() => void} onKey */
  constructor(session, onKey) {
    const { tokens, dV } = session;
    this.session = session;
    this.key = 0; // at hand
    const go = (/** @type {number} */ row, /** @type {number} */ column) => {
      this.key = column;
      session.look("selected", row);
      onKey();
    };
    this.square = new Matrix({
      label: "",
      rows: tokens,
      columns: tokens,
      rowKind: "query",
      columnKind: "key",
      go,
      act: (row, column) => session.stage === "masked" && session.toggle(row, column),
    });
    this.wide = new Matrix({
      label: TEXT.stage.context.name,
      rows: tokens,
      columns: Array.from({ length: dV }, (_, d) => `${d + 1}`),
      rowKind: "query",
      columnKind: "value",
      go,
    });
    this.sums = tokens.map(() => html("div", { class: "cl-sum", "aria-hidden": "true" }));
    const sumHead = html("div", { class: "cl-sum-head", "aria-hidden": "true" }, TEXT.sum);
    [sumHead, ...this.sums].forEach((sum, row) => this.square.element.children[row].append(sum));
    this.columns = {
      keys: legend("key", TIPS.keys, TEXT.keyColumns),
      dimensions: legend("value", TIPS.values, TEXT.dimensionColumns),
    };
    this.element = html(
      "div",
      { class: "cl-numbers-of-step" },
      html("div", { class: "cl-matrix-frame" }, this.square.element, this.wide.element),
      html(
        "div",
        { class: "cl-axes" },
        legend("query", TIPS.queries, TEXT.queryRows),
        this.columns.keys,
        this.columns.dimensions,
      ),
    );
  }

  draw() {
    const { session, square, wide, columns, sums } = this;
    const { picture, stage, selected, tokens } = session;
    const mask = session.maskOf(picture.state);
    const isContext = stage === "context";
    (isContext ? wide : square).show(cellsOf(picture, mask, stage, tokens), selected);
    for (const element of [square.element, columns.keys]) element.style.display = isContext ? "none" : "";
    for (const element of [wide.element, columns.dimensions]) element.style.display = isContext ? "" : "none";
    setAttributes(square.element, { "aria-label": TEXT.stage[stage].name });
    square.element.classList.toggle("cl-toggles", stage === "masked");
    square.element.classList.toggle("cl-with-sums", stage === "weights");
    picture.weights.forEach((row, q) => {
      const total = row.reduce((sum, weight) => sum + weight, 0);
      const expected = mask[q].some(Boolean) ? 1 : 0;
      setText(sums[q], readable(total));
      sums[q].classList.toggle("cl-wrong", Math.abs(total - expected) > 1e-3);
    });
  }

  /** The key whose line of the arithmetic is marked; null while the hand is elsewhere. */
  get marked() {
    return this.session.stage !== "context" && this.square.element.matches(":focus-within") ? this.key : null;
  }
}
