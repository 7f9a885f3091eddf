// @ts-check
/**
 * The page side of PositionExplorer: the table of positions, one pair of dimensions as clock hands, similarity, and what
 * shuffled tokens notice.
 */
import { alibiSlopes, dot, frequency, rotary, sinusoidal, softmax } from "./compute.js";
import { Chart } from "./kit/chart.js";
import { choiceButtons, slider } from "./kit/controls.js";
import { html, setAttributes, setText, svg } from "./kit/elements.js";
import { filled, readable } from "./kit/format.js";
import { frame } from "./kit/frame.js";
import { HeatMap } from "./kit/heat_map.js";
import { keepDrawn, put } from "./kit/model.js";

const TOKENS = "ABCDEF";
const [MOST_POSITIONS, MOST_DIMENSIONS] = [256, 128];

const TEXT = {
  title: "How does a token know its place?",
  hint: "Move the position, and follow one pair of dimensions round its clock.",
  kinds: { sinusoidal: "sinusoidal", rotary: "rotary", alibi: "ALiBi", learned: "learned" },
  kind: "Kind of positions",
  position: "position",
  pair: "pair",
  base: "base",
  length: "positions",
  d: "dimensions",
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
  shuffling: "Shuffle the tokens",
  shuffled: "Six tokens with random vectors, and what “A” gives to each of them. Shuffle: what changes?",
  plain: "without positions",
  placed: { sinusoidal: "sinusoidal", rotary: "rotary", alibi: "ALiBi", learned: "learned" },
  placedBy: "with {kind} ones",
  inOrder: "Without positions, every order gives the same.",
  moved: "Without positions nothing has changed: to attention alone, a sentence is a bag of words.",
  orders: { shuffle: "shuffle", sort: "in order" },
  orderNow: "The tokens in their order",
  share: "A gives {token}, at place {place}: {plain} without positions, {placed} with",
  clockLabel: "The pair of dimensions as points on a circle, one a position",
};

/** @param {{model: any, el: HTMLElement}} host */
function render({ model, el }) {
  let length = 0;
  let d = 0;
  let heads = 0;
  const floats = (/** @type {DataView} */ bytes) =>
    new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
  const view = /** @type {DataView} */ (model.get("learned"));
  const learned = view.byteLength ? floats(view) : null;
  const samples = floats(model.get("samples"));
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
    max: model.get("length") - 1,
    change: (value) => put(model, "position", value),
  });
  const pair = slider({
    label: TEXT.pair,
    min: 1,
    max: model.get("d_model") / 2,
    change: (value) => put(model, "pair", value - 1),
  });
  const size = slider({
    label: TEXT.length,
    min: 2,
    max: MOST_POSITIONS,
    change: (value) => {
      if (model.get("position") >= value) model.set("position", value - 1);
      put(model, "length", value);
    },
  });
  const dimensions = slider({
    label: TEXT.d,
    min: 2,
    max: MOST_DIMENSIONS,
    step: 2,
    change: (value) => {
      if (model.get("pair") >= value / 2) model.set("pair", value / 2 - 1);
      put(model, "d_model", value);
    },
  });
  const base = slider({
    label: TEXT.base,
    min: 1,
    max: 6,
    step: 0.1,
    format: () => String(Math.round(model.get("base"))),
    change: (power) => put(model, "base", Math.round(10 ** power)),
  });
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
        put(model, "pair", alibi ? Math.min(column, d / 2 - 1) : column >> 1); // first: the cursor's column is of it
        put(model, "position", row);
      },
    });
  /** @type {{vectors: HeatMap, alibi: HeatMap}} */
  let maps;
  const tables = html("div");
  const ring = svg("circle", { class: "cl-ring", r: 80 });
  const points = svg("path", { class: "cl-tick" });
  const hand = svg("line", { class: "cl-hand", x1: 0, y1: 0 });
  const tip = svg("circle", { class: "cl-dot cl-two", r: 5 });
  const clock = svg(
    "svg",
    { class: "cl-clock", viewBox: "-100 -100 200 200", role: "img", "aria-label": TEXT.clockLabel },
    ring,
    points,
    hand,
    tip,
  );
  const chart = new Chart({ label: TEXT.chart, xName: TEXT.rows, yName: TEXT.y });
  const captions = ["table", "clock", "similarity", "shuffled"].map(() => html("p", { class: "cl-caption" }));
  const orders = choiceButtons(
    TEXT.shuffling,
    [
      ["shuffle", TEXT.orders.shuffle],
      ["sort", TEXT.orders.sort],
    ],
    (choice) => {
      const order = Array.from(TOKENS, (_, token) => token);
      if (choice === "shuffle")
        for (let last = order.length - 1; last > 0; last--) {
          const other = Math.floor(Math.random() * (last + 1));
          [order[last], order[other]] = [order[other], order[last]];
        }
      put(model, "order", order);
    },
  );
  const chips = html("div", { class: "cl-chips", role: "group", "aria-label": TEXT.orderNow });
  const placedName = html("span", { class: "cl-one" });
  const shares = Array.from(TOKENS, (token) => {
    const [plain, placed] = ["two", "one"].map((kind) => html("span", { class: `cl-share-bar cl-${kind}` }));
    const numbers = html("span", { class: "cl-result" });
    const line = html(
      "div",
      { class: "cl-share-line", role: "img" },
      html("b", {}, token),
      html("span", { class: "cl-share-bars" }, plain, placed),
      numbers,
    );
    return { line, plain, placed, numbers };
  });
  body.append(
    html(
      "div",
      { class: "cl-controls" },
      kinds.element,
      position.element,
      pair.element,
      base.element,
      size.element,
      dimensions.element,
    ),
    html(
      "div",
      { class: "cl-panels" },
      html("section", { class: "cl-panel" }, html("h4", {}, TEXT.table), tables, captions[0]),
      html("section", { class: "cl-panel" }, html("h4", {}, TEXT.clock), clock, captions[1]),
      html("section", { class: "cl-panel" }, html("h4", {}, TEXT.similarity), chart.element, captions[2]),
      html(
        "section",
        { class: "cl-panel cl-shuffling" },
        html("h4", {}, TEXT.shuffling),
        html("p", { class: "cl-caption" }, TEXT.shuffled),
        html("div", { class: "cl-controls" }, chips, orders.element),
        html("p", { class: "cl-share-legend" }, html("span", { class: "cl-two" }, TEXT.plain), placedName),
        ...shares.map(({ line }) => line),
        captions[3],
      ),
    ),
  );

  /** The tables, anew where their size has changed. */
  function resize() {
    if (length === model.get("length") && d === model.get("d_model")) return;
    [length, d] = [model.get("length"), model.get("d_model")];
    heads = Math.max(1, Math.floor(d / 4));
    maps = { vectors: makeMap(false), alibi: makeMap(true) };
    tables.replaceChildren(maps.vectors.element, maps.alibi.element);
    position.input.max = String(length - 1);
    pair.input.max = String(d / 2);
  }

  /**
   * What the first token gives to each, without and with positions, place by place.
   * @param {string} kind @param {number[][]} rows @param {number} wavelength @param {number[]} order
   */
  function given(kind, rows, wavelength, order) {
    const sample = (/** @type {number} */ part, /** @type {number} */ token) =>
      Array.from(samples.subarray((part * TOKENS.length + token) * MOST_DIMENSIONS).subarray(0, d));
    const at = order.indexOf(0);
    const turned = (/** @type {number[]} */ vector, /** @type {number} */ place) => {
      if (kind === "alibi") return vector;
      return kind === "rotary" ? rotary(vector, place, wavelength) : vector.map((x, i) => x + rows[place][i]);
    };
    const query = sample(0, 0);
    const plain = order.map((token) => dot(query, sample(1, token)) / Math.sqrt(d));
    const placed = order.map((token, place) => {
      const taken = kind === "alibi" ? alibiSlopes(heads)[0] * Math.abs(place - at) : 0;
      return dot(turned(query, at), turned(sample(1, token), place)) / Math.sqrt(d) - taken;
    });
    return [softmax(plain), softmax(placed)];
  }

  function drawShuffled(/** @type {string} */ kind, /** @type {number[][]} */ rows, /** @type {number} */ wavelength) {
    const order = /** @type {number[]} */ (model.get("order")).filter((token) => token < length);
    const [plain, placed] = given(kind, rows, wavelength, order);
    chips.replaceChildren(...order.map((token) => html("span", { class: "cl-chip" }, TOKENS[token])));
    setText(placedName, filled(TEXT.placedBy, { kind: TEXT.placed[/** @type {keyof typeof TEXT.placed} */ (kind)] }));
    shares.forEach((share, token) => {
      const place = order.indexOf(token);
      share.line.hidden = place < 0;
      if (place < 0) return;
      share.plain.style.width = `${100 * plain[place]}%`;
      share.placed.style.width = `${100 * placed[place]}%`;
      const numbers = { plain: readable(plain[place]), placed: readable(placed[place]) };
      setText(share.numbers, `${numbers.plain} · ${numbers.placed}`);
      setAttributes(share.line, { "aria-label": filled(TEXT.share, { token: TOKENS[token], place, ...numbers }) });
    });
    const sorted = order.every((token, place) => token === place);
    orders.show(sorted ? "sort" : null);
    setText(captions[3], sorted ? TEXT.inOrder : TEXT.moved);
  }

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
    resize();
    const [kind, at, which, wavelength] = ["kind", "position", "pair", "base"].map((name) => model.get(name));
    const alibi = kind === "alibi";
    const rows = encoding(kind, wavelength);
    const top = Math.max(1e-9, ...rows.flat().map(Math.abs));
    kinds.show(kind);
    position.show(at);
    pair.show(which + 1);
    base.show(Math.log10(wavelength));
    size.show(length);
    dimensions.show(d);
    for (const { element } of [size, dimensions]) element.hidden = learned !== null;
    base.element.hidden = kind === "alibi" || kind === "learned";
    maps.vectors.element.hidden = alibi;
    maps.alibi.element.hidden = !alibi;
    const map = alibi ? maps.alibi : maps.vectors;
    map.show(rows, { top, row: at });
    const onPair = (/** @type {number} */ column) => (alibi ? Math.min(column, d / 2 - 1) : column >> 1) === which;
    const column = alibi ? Math.min(which, heads - 1) : 2 * which;
    map.pick(at, onPair(map.at[1]) ? map.at[1] : column); // the keyboard goes on from where the sliders are

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
      const dot = (/** @type {number[]} */ [x, y]) => `M${x - 2} ${y}a2 2 0 1 0 4 0a2 2 0 1 0 -4 0`;
      setAttributes(points, { d: rows.map((_, index) => dot(place(index))).join("") });
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
    drawShuffled(kind, rows, wavelength);
    root.dataset.state = kind;
    announcer.say(captions[1].textContent ?? "");
    painted();
  }
  const stop = keepDrawn(model, ["kind", "position", "pair", "base", "length", "d_model", "order"], draw);
  return () => {
    stop();
    leave();
  };
}

export default { render };
