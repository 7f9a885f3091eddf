// @ts-check
/** The page side of PositionExplorer: the table of positions, one pair of dimensions as clock hands, similarity. */
import { alibiSlopes, dot, frequency, rotary, sinusoidal } from "./compute.js";
import {
  Chart,
  choiceButtons,
  filled,
  frame,
  HeatMap,
  html,
  keepDrawn,
  put,
  readable,
  setAttributes,
  setText,
  slider,
  svg,
} from "./view_kit.js";

const TEXT = {
  title: "How does a token know its place?",
  hint: "Move the position, and follow one pair of dimensions round its clock.",
  kinds: { sinusoidal: "sinusoidal", rotary: "rotary", alibi: "ALiBi", learned: "learned" },
  kind: "Kind of positions",
  position: "position",
  pair: "pair",
  base: "base",
  table: "Positions",
  clock: "One pair, as a clock hand",
  similarity: "How alike are two positions?",
  tables: {
    sinusoidal: "One row a position: what is added to its embedding. Left columns turn fast, right ones slowly.",
    rotary: "One row a position: a vector of ones, turned. Nothing is added; queries and keys are turned like this.",
    alibi: "One row a distance, one column a head: what is taken off the scores.",
    learned: "One row a position: what training found, to be added to its embedding.",
  },
  curves: {
    sinusoidal: "Cosine between position {position} and every other: it depends on the distance alone.",
    rotary: "The score of equal query and key, by where the key is: it depends on the distance alone.",
    alibi: "Added to the scores of the query at {position}, the mean over heads: the farther, the less.",
    learned: "Cosine between position {position} and every other. Nothing forces it to depend on the distance.",
  },
  hand: "Dimensions {sine} and {cosine}: a full turn takes {turn} positions. At {position}: {x}, {y}.",
  handPlain: "Dimensions {sine} and {cosine} at position {position}: {x}, {y}.",
  noHand: "ALiBi turns nothing: head {head} takes {slope} off for each step of distance.",
  cell: "position {row}, dimension {column}: {value}",
  cellAlibi: "distance {row}, head {column}: {value}",
  rows: "position",
  rowsAlibi: "distance",
  columns: "dimension",
  columnsAlibi: "head",
  chart: "Similarity of all positions with the one that is followed",
  y: "similarity",
  yAlibi: "added",
  clockLabel: "The pair of dimensions as points on a circle, one a position",
};

/** @param {{model: any, el: HTMLElement}} host */
function render({ model, el }) {
  const length = /** @type {number} */ (model.get("length"));
  const d = /** @type {number} */ (model.get("d_model"));
  const view = /** @type {DataView} */ (model.get("learned"));
  const learned = view.byteLength
    ? new Float32Array(view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength))
    : null;
  const { root, body, announcer, painted, leave } = frame({ model, el }, "positions", {
    title: model.get("title") || TEXT.title,
    hint: TEXT.hint,
  });
  const kinds = choiceButtons(
    TEXT.kind,
    model.get("kinds").map((/** @type {keyof typeof TEXT.kinds} */ kind) => [kind, TEXT.kinds[kind]]),
    (kind) => put(model, "kind", kind),
  );
  const position = slider({
    label: TEXT.position,
    min: 0,
    max: length - 1,
    change: (value) => put(model, "position", value),
  });
  const pair = slider({
    label: TEXT.pair,
    min: 1,
    max: d / 2,
    change: (value) => put(model, "pair", value - 1),
  });
  const base = slider({
    label: TEXT.base,
    min: 1,
    max: 6,
    step: 0.1,
    format: () => String(Math.round(model.get("base"))),
    change: (power) => put(model, "base", Math.round(10 ** power)),
  });
  const heads = Math.max(1, Math.floor(d / 4));
  const names = (/** @type {number} */ count, from = 0) => Array.from({ length: count }, (_, i) => String(i + from));
  const makeMap = (/** @type {boolean} */ alibi) =>
    new HeatMap({
      label: TEXT.table,
      rows: names(length),
      columns: alibi ? names(heads, 1) : names(d),
      rowName: alibi ? TEXT.rowsAlibi : TEXT.rows,
      columnName: alibi ? TEXT.columnsAlibi : TEXT.columns,
      signed: true,
      tell: (row, column, value) =>
        filled(alibi ? TEXT.cellAlibi : TEXT.cell, { row, column: column + Number(alibi), value: readable(value) }),
      go: (row, column) => {
        put(model, "position", row);
        put(model, "pair", alibi ? Math.min(column, d / 2 - 1) : column >> 1);
      },
    });
  const maps = { vectors: makeMap(false), alibi: makeMap(true) };
  const ring = svg("circle", { class: "cl-ring", r: 80 });
  const points = names(length).map(() => svg("circle", { class: "cl-tick", r: 2 }));
  const hand = svg("line", { class: "cl-hand", x1: 0, y1: 0 });
  const tip = svg("circle", { class: "cl-dot cl-two", r: 5 });
  const clock = svg(
    "svg",
    { class: "cl-clock", viewBox: "-100 -100 200 200", role: "img", "aria-label": TEXT.clockLabel },
    ring,
    ...points,
    hand,
    tip,
  );
  const chart = new Chart({ label: TEXT.chart, xName: TEXT.rows, yName: TEXT.y });
  const captions = ["table", "clock", "similarity"].map(() => html("p", { class: "cl-caption" }));
  body.append(
    html("div", { class: "cl-controls" }, kinds.element, position.element, pair.element, base.element),
    html(
      "div",
      { class: "cl-panels" },
      html(
        "section",
        { class: "cl-panel" },
        html("h4", {}, TEXT.table),
        maps.vectors.element,
        maps.alibi.element,
        captions[0],
      ),
      html("section", { class: "cl-panel" }, html("h4", {}, TEXT.clock), clock, captions[1]),
      html("section", { class: "cl-panel" }, html("h4", {}, TEXT.similarity), chart.element, captions[2]),
    ),
  );

  /** @returns {number[][]} */
  function encoding(/** @type {string} */ kind, /** @type {number} */ wavelength) {
    if (kind === "learned" && learned)
      return names(length).map((_, row) => Array.from(learned.subarray(row * d, (row + 1) * d)));
    if (kind === "alibi") {
      const slopes = alibiSlopes(heads);
      return names(length).map((_, distance) => slopes.map((slope) => -distance * slope));
    }
    const ones = new Array(d).fill(1);
    return names(length).map((_, at) =>
      kind === "rotary" ? rotary(ones, at, wavelength) : sinusoidal(at, d, wavelength),
    );
  }

  function similarity(/** @type {string} */ kind, /** @type {number[][]} */ rows, /** @type {number} */ at) {
    if (kind === "alibi")
      return rows.map((_, other) => rows[Math.abs(other - at)].reduce((sum, x) => sum + x, 0) / heads);
    const sizes = rows.map((row) => Math.sqrt(dot(row, row)) || 1);
    return rows.map((row, other) => dot(row, rows[at]) / sizes[other] / sizes[at]);
  }

  function draw() {
    const [kind, at, which, wavelength] = ["kind", "position", "pair", "base"].map((name) => model.get(name));
    const alibi = kind === "alibi";
    const rows = encoding(kind, wavelength);
    const top = Math.max(1e-9, ...rows.flat().map(Math.abs));
    kinds.show(kind);
    position.show(at);
    pair.show(which + 1);
    base.show(Math.log10(wavelength));
    base.element.hidden = kind === "alibi" || kind === "learned";
    maps.vectors.element.hidden = alibi;
    maps.alibi.element.hidden = !alibi;
    (alibi ? maps.alibi : maps.vectors).show(rows, { top, row: at });

    const two = rows.map((row) => [row[2 * which], row[2 * which + 1]]);
    const far = alibi ? 1 : Math.max(1e-9, ...two.map(([x, y]) => Math.hypot(x, y)));
    // The sine, which comes first, goes up: the hand starts to the right and turns to the left.
    const place = (/** @type {number} */ index) => {
      const [first, second] = two[index];
      const [x, y] = kind === "sinusoidal" ? [second, first] : [first, second];
      return [(80 * x) / far, (-80 * y) / far];
    };
    clock.style.display = alibi ? "none" : "";
    if (!alibi) {
      points.forEach((point, index) => setAttributes(point, { cx: place(index)[0], cy: place(index)[1] }));
      const [x, y] = place(at);
      setAttributes(hand, { x2: x, y2: y });
      setAttributes(tip, { cx: x, cy: y });
    }
    const alike = similarity(kind, rows, at);
    const low = Math.min(0, ...alike);
    chart.show({
      x: [0, length - 1],
      y: alibi ? [low, 0] : [Math.min(low, -0.2), 1],
      lines: [{ points: alike.map((value, other) => [other, value]), kind: "one" }],
      dots: [{ at: [at, alike[at]], kind: "two" }],
    });
    const values = {
      sine: 2 * which,
      cosine: 2 * which + 1,
      position: at,
      turn: readable((2 * Math.PI) / frequency(which, d, wavelength)),
      head: Math.min(heads, which + 1),
      slope: readable(alibiSlopes(heads)[Math.min(heads - 1, which)]),
      x: alibi ? "" : readable(two[at][0]),
      y: alibi ? "" : readable(two[at][1]),
    };
    setText(captions[0], TEXT.tables[/** @type {keyof typeof TEXT.tables} */ (kind)]);
    setText(captions[1], filled(alibi ? TEXT.noHand : kind === "learned" ? TEXT.handPlain : TEXT.hand, values));
    setText(captions[2], filled(TEXT.curves[/** @type {keyof typeof TEXT.curves} */ (kind)], values));
    root.dataset.state = kind;
    announcer.say(captions[1].textContent ?? "");
    painted();
  }
  const stop = keepDrawn(model, ["kind", "position", "pair", "base"], draw);
  return () => {
    stop();
    leave();
  };
}

export default { render };
