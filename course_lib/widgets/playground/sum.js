// @ts-check
/** The arithmetic of the followed query, line by line. */
import { html, setText } from "../kit/elements.js";
import { arithmeticOf } from "./arithmetic.js";

/** @param {import("./session.js").Session} session @param {() => number | null} marked the key whose line is marked */
export function makeSum(session, marked) {
  const lines = html("div", { class: "cl-lines" });
  const element = html("div", { class: "cl-arithmetic" }, lines);
  const mark = () => {
    const key = marked();
    Array.from(lines.children).forEach((line, k) => line.classList.toggle("cl-marked", k === key));
  };
  return {
    element,
    mark,
    draw() {
      const { picture, selected, stage, tokens, functionName } = session;
      const mask = session.maskOf(picture.state)[selected];
      const { rows, sum } = arithmeticOf(stage, { picture, mask, who: selected, tokens, functionName });
      const wanted = [...rows, ...(sum ? [sum] : [])];
      while (lines.children.length > wanted.length) lines.lastElementChild?.remove();
      while (lines.children.length < wanted.length) lines.append(makeLine());
      wanted.forEach((texts, index) => {
        const line = lines.children[index];
        texts.forEach((text, part) => setText(line.children[part], text));
        line.classList.toggle("cl-total", sum !== null && index === wanted.length - 1);
      });
      element.hidden = wanted.length === 0;
      mark();
    },
  };
}

function makeLine() {
  const parts = ["cl-what", "cl-how", "cl-result"].map((kind) => html("span", { class: kind }));
  return html("div", { class: "cl-line-of-sum" }, ...parts);
}
