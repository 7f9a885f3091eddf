// @ts-check
/** The planes of a crowd: all vectors of a kind as dots, with discs under them, and arrows for what can be dragged. */
import { numberInput } from "../kit/controls.js";
import { html, setAttributes, setText, svg } from "../kit/elements.js";
import { filled, shortened } from "../kit/format.js";
import { circles } from "../kit/geometry.js";
import { Plane } from "../kit/plane.js";
import { CROWD_TEXT, TEXT, TIPS } from "./texts.js";

/** @typedef {import("./session.js").Session} Session */
/** @typedef {import("./texts.js").Kind} Kind */
/** @typedef {{key: number, pick: (key: number) => void}} Hand */

/** The panel of queries and keys. @param {Session} session @param {Hand} hand */
export function makeCrowdCompare(session, hand) {
  const dots = session.dK === 2 ? new Dots(session, "keys", TEXT.comparePlane) : null;
  const key = dots?.addArrow("keys", () => hand.key);
  const query = dots?.addArrow("queries", () => session.selected);
  const rows = [
    makeNumberRow(session, "queries", () => session.selected),
    makeNumberRow(session, "keys", () => hand.key),
  ];
  const caption = html("p", { class: "cl-caption" });
  return {
    element: makePanel("compare", TEXT.compare, dots, caption, rows),
    /** @param {boolean} mayShrink */
    put(mayShrink) {
      const { queries, keys } = session.state;
      const followed = queries[session.selected];
      if (dots && key && query) {
        dots.plane.fit(session.farthest([...keys, followed]), mayShrink);
        query.put(followed);
        key.put(keys[hand.key]);
        dots.draw();
        dots.plane.placeLabels([query, key]);
      }
      for (const row of rows) row.show();
    },
    drawDiscs: () => dots?.drawDiscs(),
    draw() {
      dots?.drawDiscs();
      setText(caption, filled(CROWD_TEXT.compare, namesOf(session, hand)));
    },
  };
}

/** The panel of values and the context. @param {Session} session @param {Hand} hand */
export function makeCrowdMix(session, hand) {
  const dots = session.dV === 2 ? new Dots(session, "values", TEXT.mixPlane) : null;
  const value = dots?.addArrow("values", () => hand.key);
  const context = dots?.plane.addArrow({ kind: "context", shape: TIPS.context, label: "context", name: "context" });
  const row = makeNumberRow(session, "values", () => hand.key);
  const caption = html("p", { class: "cl-caption" });
  return {
    element: makePanel("mix", TEXT.mix, dots, caption, [row]),
    /** @param {boolean} mayShrink */
    put(mayShrink) {
      const { values } = session.state;
      dots?.plane.fit(session.farthest(values), mayShrink);
      value?.put(values[hand.key]);
      dots?.draw();
      row.show();
    },
    drawDiscs: () => dots?.drawDiscs(),
    draw() {
      dots?.drawDiscs();
      if (dots && context && value) {
        context.shown = session.hasWeights;
        context.group.style.display = session.hasWeights ? "" : "none";
        if (session.hasWeights) context.put(session.picture.context[session.selected]);
        dots.plane.placeLabels([context, value]);
      }
      setText(caption, filled(CROWD_TEXT.mix, namesOf(session, hand)));
    },
  };
}

/** @param {Session} session @param {Hand} hand */
export function namesOf({ tokens, selected }, hand) {
  return { who: shortened(tokens[selected], 16), key: shortened(tokens[hand.key], 16) };
}

/** All vectors of a kind on a plane. One path each for dots and discs: hundreds of elements would be hundreds to restyle. */
class Dots {
  /** @param {Session} session @param {"keys" | "values"} kind @param {string} label */
  constructor(session, kind, label) {
    this.session = session;
    this.kind = kind;
    this.plane = new Plane(label);
    this.discs = svg("path", { class: "cl-disc" });
    this.dots = svg("path", { class: `cl-speck cl-${CROWD_TEXT.names[kind]}` });
    this.plane.under.append(this.discs, this.dots);
    this.drawn = { points: /** @type {number[][]} */ ([]), extent: 0 };
  }

  /** An arrow for one of them, to drag. @param {Kind} kind @param {() => number} index */
  addArrow(kind, index) {
    const name = CROWD_TEXT.names[kind];
    const move = (/** @type {number[]} */ point) => this.session.move(kind, index(), point);
    return this.plane.addArrow({ kind: name, shape: TIPS[kind], label: name, name, move });
  }

  get #points() {
    return this.session.state[this.kind];
  }

  draw() {
    const [points, { extent }] = [this.#points, this.plane];
    if (this.drawn.points === points && this.drawn.extent === extent) return;
    this.drawn = { points, extent };
    this.dots.setAttribute(
      "d",
      this.#circles(() => 2),
    );
  }

  /** Around every vector, by its weight for the followed query. */
  drawDiscs() {
    const { weights } = this.session;
    const strongest = weights.reduce((top, weight) => Math.max(top, weight), 1e-12);
    const radius = (/** @type {number} */ k) => 22 * Math.sqrt(Math.max(0, weights[k]) / strongest);
    setAttributes(this.discs, { d: this.#circles(radius) });
  }

  /** @param {(index: number) => number} radius */
  #circles(radius) {
    return circles(
      this.#points.map((point) => this.plane.pixel(point)),
      radius,
    );
  }
}

/** @param {string} kind @param {string} heading @param {Dots | null} dots @param {HTMLElement} caption @param {{element: HTMLElement}[]} rows */
function makePanel(kind, heading, dots, caption, rows) {
  return html(
    "section",
    { class: `cl-panel cl-${kind}`, "aria-label": heading },
    html("h4", {}, heading),
    ...(dots ? [dots.plane.element, caption] : []),
    html("div", { class: "cl-numbers" }, ...rows.map(({ element }) => element)),
  );
}

/**
 * The numbers of one vector: the way without dragging, and the only one where there are not two dimensions.
 * @param {Session} session @param {Kind} kind @param {() => number} index
 */
function makeNumberRow(session, kind, index) {
  const name = CROWD_TEXT.names[kind];
  const token = kind === "queries" ? TEXT.who : CROWD_TEXT.key;
  const inputs = session.start[kind][0].map((_, d) =>
    numberInput({
      label: filled(TEXT.numberOf, { kind: name, token, d: d + 1 }),
      read: () => session.state[kind][index()][d],
      change: (value) => session.moveAlong(kind, index(), d, value),
    }),
  );
  return {
    element: html(
      "div",
      { class: `cl-numbers-row cl-${name}` },
      html("span", { class: "cl-numbers-name" }, name),
      ...inputs.map(({ input }) => input),
    ),
    show: () => inputs.forEach((input) => input.show()),
  };
}
