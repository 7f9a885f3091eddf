// @ts-check
/** A plane with arrows to drag. How each kind of arrow looks stands in plane.css. */
import { setAttributes, svg } from "./elements.js";
import { readable, shortened, tickName } from "./format.js";
import { extentFor, gridLines, labelPlaces } from "./geometry.js";
import { directionOf, isCommand } from "./keys.js";
import { oncePerFrame } from "./timing.js";

// A pointermove waits for the next frame. Where the browser tells of the hand at once, Python can be asked that much sooner.
const SOONEST_MOVE = "onpointerrawupdate" in window ? "pointerrawupdate" : "pointermove";

const PLANE = 320;
const MARGIN = 14;
const TIP = 7;
const ONE_PLACE = 12; // tips nearer than this cover each other
const TIPS = {
  circle: `M ${TIP} 0 A ${TIP} ${TIP} 0 1 1 ${-TIP} 0 A ${TIP} ${TIP} 0 1 1 ${TIP} 0 Z`,
  square: `M -6.2 -6.2 H 6.2 V 6.2 H -6.2 Z`,
  triangle: `M 0 -8 L 7.6 5.8 H -7.6 Z`,
  diamond: `M 0 -8.6 L 8.6 0 L 0 8.6 L -8.6 0 Z`,
};

/** @typedef {keyof typeof TIPS} Tip */

/** A small drawing of a tip, for legends. @param {string} kind @param {Tip} shape */
export function tipGlyph(kind, shape) {
  return svg(
    "svg",
    { class: `cl-glyph cl-${kind}`, viewBox: "-10 -10 20 20", "aria-hidden": "true" },
    svg("path", { class: "cl-tip", d: TIPS[shape] }),
  );
}

/** Two dimensions with a grid, on which arrows can be dragged or moved by keys. */
export class Plane {
  /** @param {string} label what a screen reader calls it */
  constructor(label) {
    this.extent = 0;
    this.grid = svg("g", { class: "cl-grid" });
    this.under = svg("g");
    this.arrows = svg("g");
    this.labels = svg("g", { class: "cl-labels", "aria-hidden": "true" });
    this.element = svg(
      "svg",
      { class: "cl-plane", viewBox: `0 0 ${PLANE} ${PLANE}`, role: "group", "aria-label": label },
      this.grid,
      this.under,
      this.arrows,
      this.labels,
    );
  }

  /** Pixels of a coordinate pair. @param {ArrayLike<number>} point @returns {[number, number]} */
  pixel(point) {
    const unit = (PLANE / 2 - MARGIN) / this.extent;
    return [PLANE / 2 + point[0] * unit, PLANE / 2 - point[1] * unit];
  }

  /** Coordinates under the pointer, kept inside the plane. @param {PointerEvent} event */
  coordinates(event) {
    const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(this.element.getScreenCTM().inverse());
    const unit = (PLANE / 2 - MARGIN) / this.extent;
    return [this.kept((at.x - PLANE / 2) / unit), this.kept((PLANE / 2 - at.y) / unit)];
  }

  /** A coordinate inside the plane, on two decimals. @param {number} value */
  kept(value) {
    return Math.round(Math.min(this.extent, Math.max(-this.extent, value)) * 100) / 100;
  }

  /**
   * Let the axes hold the farthest coordinate with some room: always if it lies beyond them, else only where the view may
   * change, and only if the picture had become small.
   * @param {number} farthest @param {boolean} mayShrink
   */
  fit(farthest, mayShrink) {
    const extent = extentFor(this.extent, farthest, mayShrink);
    if (extent === this.extent) return;
    this.extent = extent;
    const [near, far] = [MARGIN / 2, PLANE - MARGIN / 2];
    const parts = gridLines(extent).flatMap((at) => {
      const [x, y] = this.pixel([at, at]);
      const path = `M ${x} ${near} V ${far} M ${near} ${y} H ${far}`;
      if (at === 0) return [svg("path", { class: "cl-axis", d: path })];
      const name = tickName(at);
      return [
        svg("path", { class: "cl-line", d: path }),
        svg("text", { x, y: PLANE / 2 + 12, "text-anchor": "middle" }, name),
        svg("text", { x: PLANE / 2 - 4, y: y + 3, "text-anchor": "end" }, name),
      ];
    });
    this.grid.replaceChildren(...parts);
  }

  /**
   * Add an arrow. Kind gives colour and line style, name is what a screen reader calls it; without `move` it only shows.
   * @param {{
   *   kind: string, shape: Tip, name: string, label: string,
   *   move?: (point: number[]) => void, grab?: () => void
   * }} options
   */
  addArrow({ kind, shape, name, label, move, grab }) {
    const line = svg("line", { class: "cl-shaft", x1: PLANE / 2, y1: PLANE / 2 });
    const tip = svg("g", {}, svg("path", { class: "cl-tip", d: TIPS[shape] }));
    const group = svg("g", { class: `cl-arrow cl-${kind}` }, line, tip);
    const text = svg("text", { class: `cl-label cl-${kind}` }, shortened(label));
    this.arrows.append(group);
    this.labels.append(text);
    let extent = 0; // of the plane when the arrow was put
    const arrow = {
      group,
      tip,
      text,
      label: shortened(label),
      point: [0, 0],
      shown: true,
      /** @param {number[]} point */
      put: (point) => {
        if (arrow.point === point && extent === this.extent) return;
        arrow.point = point;
        extent = this.extent;
        const [x, y] = this.pixel(point);
        setAttributes(line, { x2: x, y2: y });
        setAttributes(tip, { transform: `translate(${x} ${y})` });
        if (move) {
          const at = `${name}: ${readable(point[0])}, ${readable(point[1])}`;
          setAttributes(tip, {
            "aria-valuenow": point[0],
            "aria-valuetext": at,
            "aria-valuemin": -this.extent,
            "aria-valuemax": this.extent,
          });
        }
      },
    };
    if (move) this.#makeHandle(tip, name, arrow, move, grab);
    return arrow;
  }

  /**
   * @param {any} tip @param {string} name @param {{point: number[]}} arrow
   * @param {(point: number[]) => void} move @param {(() => void) | undefined} grab
   */
  #makeHandle(tip, name, arrow, move, grab) {
    tip.prepend(svg("circle", { class: "cl-reach", r: 17 }));
    const follow = oncePerFrame(move);
    setAttributes(tip, {
      class: "cl-handle",
      role: "slider",
      tabindex: 0,
      "aria-label": name,
      touchstart: (event) => event.preventDefault(), // no scrolling; CSS's touch-action leaves parts of an SVG out
      pointerdown: (event) => {
        if (event.button !== 0) return;
        tip.setPointerCapture(event.pointerId);
        tip.focus({ preventScroll: true });
        event.preventDefault();
        grab?.();
      },
      [SOONEST_MOVE]: (event) => {
        if (tip.hasPointerCapture(event.pointerId)) follow(this.coordinates(event));
      },
      keydown: (event) => {
        const direction = directionOf(event.key);
        if (!direction || isCommand(event)) return;
        event.preventDefault();
        const step = event.shiftKey ? 0.5 : 0.1;
        move(direction.map((sign, axis) => this.kept(arrow.point[axis] + sign * step)));
      },
      focus: () => grab?.(),
    });
  }

  /**
   * Whether the same name stands at the same place already.
   * @param {{point: number[], label: string}} arrow @param {{point: number[], label: string}[]} others
   */
  #isNamed({ point, label }, others) {
    const [x, y] = this.pixel(point);
    return others.some((other) => {
      const [otherX, otherY] = this.pixel(other.point);
      return other.label === label && Math.hypot(x - otherX, y - otherY) < ONE_PLACE;
    });
  }

  /**
   * Put every shown arrow's label beside its tip; arrows of one name at one place have one label.
   * @param {{point: number[], text: any, label: string, shown: boolean}[]} arrows the most important first
   */
  placeLabels(arrows) {
    const shown = arrows
      .filter((arrow) => arrow.shown)
      .filter((arrow, index, all) => !this.#isNamed(arrow, all.slice(0, index)));
    for (const arrow of arrows) arrow.text.style.display = shown.includes(arrow) ? "" : "none";
    const places = labelPlaces(
      shown.map(({ point, label }) => ({ at: this.pixel(point), letters: label.length })),
      PLANE,
    );
    shown.forEach(({ text }, index) => {
      setAttributes(text, { transform: `translate(${places[index].join(" ")})` }); // moved, not laid out anew
    });
  }
}
