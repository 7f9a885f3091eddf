// @ts-check
/** The five steps of attention as buttons, each with a small live map of its numbers. */
import { cividis } from "../kit/colours.js";
import { html, setAttributes, setText, svg } from "../kit/elements.js";
import { formulaOf } from "./labels.js";
import { sharesOf } from "./numbers.js";
import { TEXT } from "./texts.js";

/** @param {import("./session.js").Session} session */
export function makeSteps(session) {
  const steps = session.stages.map((name, index) => {
    const { map, cells } = makeThumb(session.n, name === "context" ? session.dV : session.n);
    const formula = html("span", { class: "cl-step-formula" });
    const button = html(
      "button",
      { type: "button", class: "cl-step", "data-stage": name, click: () => session.look("stage", name) },
      map,
      html("span", { class: "cl-step-name" }, html("b", {}, `${index + 1}`), ` ${TEXT.stage[name].name}`),
      formula,
    );
    return { name, button, formula, cells };
  });
  return {
    element: html(
      "nav",
      { class: "cl-steps", "aria-label": TEXT.steps, hidden: steps.length === 1 },
      ...steps.map(({ button }) => button),
    ),
    draw() {
      const { picture, stage, driver } = session;
      const mask = session.maskOf(picture.state);
      for (const { name, button, formula, cells } of steps) {
        setText(formula, formulaOf(name, driver));
        sharesOf(picture, mask, name).forEach((row, q) =>
          row.forEach((share, k) => setAttributes(cells[q][k], { fill: fillOf(share) })),
        );
        button.toggleAttribute("data-stale", !picture.works && (name === "weights" || name === "context"));
        setAttributes(button, { "aria-current": name === stage && "step" });
      }
    },
  };
}

/** @param {number} rows @param {number} columns */
function makeThumb(rows, columns) {
  const cells = Array.from({ length: rows }, (_, row) =>
    Array.from({ length: columns }, (_, column) => svg("rect", { x: column, y: row, width: 0.94, height: 0.94 })),
  );
  const box = { class: "cl-thumb", viewBox: `0 0 ${columns} ${rows}`, "aria-hidden": "true" };
  return { map: svg("svg", box, ...cells.flat()), cells };
}

/** @param {number} share */
function fillOf(share) {
  return Number.isNaN(share) ? "var(--cl-empty)" : cividis(share).fill;
}
