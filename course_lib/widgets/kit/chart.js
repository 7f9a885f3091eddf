// @ts-check
/** Curves, bars and dots over a pair of axes. */
import { svg } from "./elements.js";
import { tickName } from "./format.js";
import { ticks } from "./geometry.js";

/** Lines and bars over one pair of axes. */
export class Chart {
  /** @param {{label: string, xName: string, yName: string, width?: number, height?: number}} options */
  constructor({ label, xName, yName, width = 360, height = 190 }) {
    this.size = [width, height];
    this.inner = { left: 42, right: width - 16, top: 8, bottom: height - 34 };
    this.axes = svg("g", { class: "cl-grid" });
    this.marks = svg("g");
    const { left, right, bottom, top } = this.inner;
    this.element = svg(
      "svg",
      { class: "cl-chart", viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label },
      this.axes,
      this.marks,
      svg("text", { class: "cl-axis-name", x: (left + right) / 2, y: height - 4, "text-anchor": "middle" }, xName),
      svg(
        "text",
        {
          class: "cl-axis-name",
          transform: `translate(11 ${(top + bottom) / 2}) rotate(-90)`,
          "text-anchor": "middle",
        },
        yName,
      ),
    );
  }

  /**
   * @param {{x: [number, number], y: [number, number],
   *   lines?: {points: [number, number][], kind: string, dashed?: boolean}[],
   *   bars?: {from: number, to: number, height: number, kind: string}[],
   *   dots?: {at: [number, number], kind: string, text?: string}[]}} drawing
   */
  show({ x, y, lines = [], bars = [], dots = [] }) {
    const { left, right, top, bottom } = this.inner;
    const px = (/** @type {number} */ at) => left + ((at - x[0]) / (x[1] - x[0] || 1)) * (right - left);
    const py = (/** @type {number} */ at) => bottom - ((at - y[0]) / (y[1] - y[0] || 1)) * (bottom - top);
    const within = (/** @type {number} */ at) => Math.min(bottom, Math.max(top, at));
    this.axes.replaceChildren(
      svg("path", { class: "cl-axis", d: `M ${left} ${top} V ${bottom} H ${right}` }),
      ...ticks(...x).flatMap((at) => [
        svg("path", { class: "cl-line", d: `M ${px(at)} ${top} V ${bottom}` }),
        svg("text", { x: px(at), y: bottom + 12, "text-anchor": "middle" }, tickName(at)),
      ]),
      ...ticks(...y).flatMap((at) => [
        svg("path", { class: "cl-line", d: `M ${left} ${py(at)} H ${right}` }),
        svg("text", { x: left - 4, y: py(at) + 3, "text-anchor": "end" }, tickName(at)),
      ]),
    );
    this.marks.replaceChildren(
      ...bars.map(({ from, to, height, kind }) =>
        svg("rect", {
          class: `cl-bar cl-${kind}`,
          x: px(from),
          width: Math.max(0.5, px(to) - px(from) - 0.6),
          y: within(py(height)),
          height: Math.max(0, bottom - within(py(height))),
        }),
      ),
      ...lines.map(({ points, kind, dashed }) =>
        svg("path", {
          class: `cl-curve cl-${kind}${dashed ? " cl-dashed" : ""}`,
          d: points.map(([at, value], index) => `${index ? "L" : "M"} ${px(at)} ${within(py(value))}`).join(" "),
        }),
      ),
      ...dots.flatMap(({ at, kind, text }) => [
        svg("circle", { class: `cl-dot cl-${kind}`, cx: px(at[0]), cy: within(py(at[1])), r: 4 }),
        ...(text ? [svg("text", { class: "cl-dot-name", x: px(at[0]) + 6, y: within(py(at[1])) - 6 }, text)] : []),
      ]),
    );
  }
}
