// @ts-check
/**
 * The page side of PositionExplorer: the table of positions, one pair of dimensions as clock hands, similarity, and what
 * shuffled tokens notice.
 */
import { alibiSlopes, frequency } from "./compute.js";
import { Chart } from "./kit/chart.js";
import { choiceButtons, slider } from "./kit/controls.js";
import { html, setAttributes, setText, svg } from "./kit/elements.js";
import { filled, readable } from "./kit/format.js";
import { frame } from "./kit/frame.js";
import { HeatMap } from "./kit/heat_map.js";
import { floats, keepDrawn, put } from "./kit/model.js";
import { clockPoints, given, headsFor, similarity, tableOf } from "./position_numbers.js";

const TOKENS = "ABCDEF";
const ORDER = Array.from(TOKENS, (_, token) => token);
const [MOST_POSITIONS, MOST_DIMENSIONS] = [256, 128];
const RADIUS = 80; // of the clock

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
    alibi: "One row for each distance, one column for each head: what is taken off the scores.",
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

const TRAITS = ["kind", "position", "pair", "base", "length", "d_model", "order"];

/** @typedef {import("./position_numbers.js").Positions} Positions */
/** @typedef {Positions & {rows: number[][], at: number, pair: number}} Shown what is shown: a table, a position, a pair */

/** @param {{model: any, el: HTMLElement}} host */
function render({ model, el }) {
  const { root, body, announcer, painted, leave } = frame({ model, el }, "positions", {
    title: model.get("title") || TEXT.title,
    hint: TEXT.hint,
  });
  const controls = makeControls(model);
  const [table, clock, alike, shuffling] = [makeTable(model), makeClock(), makeSimilarity(), makeShuffling(model)];
  body.append(
    controls.element,
    html("div", { class: "cl-panels" }, ...[table, clock, alike, shuffling].map(({ element }) => element)),
  );

  function draw() {
    const shown = shownNow(model);
    for (const part of [controls, table, clock, alike, shuffling]) part.draw(shown);
    root.dataset.state = shown.kind;
    announcer.say(clock.caption.textContent ?? "");
    painted();
  }
  const stop = keepDrawn(model, TRAITS, draw);
  return () => {
    stop();
    leave();
  };
}

/** @param {any} model @returns {Shown} */
function shownNow(model) {
  const learned = floats(model, "learned");
  const positions = {
    kind: model.get("kind"),
    length: model.get("length"),
    d: model.get("d_model"),
    base: model.get("base"),
    learned: learned.length ? learned : null,
  };
  return { ...positions, rows: tableOf(positions), at: model.get("position"), pair: model.get("pair") };
}

/** What can be chosen; sizes are fixed for what was learned, and only two kinds have a base. @param {any} model */
function makeControls(model) {
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
  const base = slider({
    label: TEXT.base,
    min: 1,
    max: 6,
    step: 0.1,
    format: () => String(Math.round(model.get("base"))),
    change: (power) => put(model, "base", Math.round(10 ** power)),
  });
  const sizes = makeSizes(model);
  const all = [kinds, position, pair, base, sizes.length, sizes.dimensions];
  return {
    element: html("div", { class: "cl-controls" }, ...all.map(({ element }) => element)),
    /** @param {Shown} shown */
    draw(shown) {
      position.input.max = String(shown.length - 1);
      pair.input.max = String(shown.d / 2);
      kinds.show(shown.kind);
      position.show(shown.at);
      pair.show(shown.pair + 1);
      base.show(Math.log10(shown.base));
      sizes.length.show(shown.length);
      sizes.dimensions.show(shown.d);
      for (const { element } of [sizes.length, sizes.dimensions]) element.hidden = shown.learned !== null;
      base.element.hidden = shown.kind === "alibi" || shown.kind === "learned";
    },
  };
}

/** How many positions and dimensions; what is looked at stays among them. @param {any} model */
function makeSizes(model) {
  return {
    length: slider({
      label: TEXT.length,
      min: 2,
      max: MOST_POSITIONS,
      change: (value) => {
        if (model.get("position") >= value) model.set("position", value - 1);
        put(model, "length", value);
      },
    }),
    dimensions: slider({
      label: TEXT.d,
      min: 2,
      max: MOST_DIMENSIONS,
      step: 2,
      change: (value) => {
        if (model.get("pair") >= value / 2) model.set("pair", value / 2 - 1);
        put(model, "d_model", value);
      },
    }),
  };
}

/** @param {string} heading @param {...Node} parts */
function makePanel(heading, ...parts) {
  return html("section", { class: "cl-panel" }, html("h4", {}, heading), ...parts);
}

/** The table of a kind; two maps, as ALiBi's has a column for each head. They are made anew where the size has changed. @param {any} model */
function makeTable(model) {
  const [place, caption] = [html("div"), html("p", { class: "cl-caption" })];
  /** @type {{vectors: HeatMap, alibi: HeatMap}} */
  let maps;
  let made = "";
  return {
    element: makePanel(TEXT.table, place, caption),
    /** @param {Shown} shown */
    draw(shown) {
      const { kind, rows, length, d, at, pair } = shown;
      if (made !== `${length} ${d}`) {
        made = `${length} ${d}`;
        maps = { vectors: makeMap(model, length, d, false), alibi: makeMap(model, length, d, true) };
        place.replaceChildren(maps.vectors.element, maps.alibi.element);
      }
      const isAlibi = kind === "alibi";
      maps.vectors.element.hidden = isAlibi;
      maps.alibi.element.hidden = !isAlibi;
      const map = isAlibi ? maps.alibi : maps.vectors;
      map.show(rows, { top: Math.max(1e-9, ...rows.flat().map(Math.abs)), row: at });
      // The keyboard goes on from where the sliders are.
      const column = isAlibi ? Math.min(pair, headsFor(d) - 1) : 2 * pair;
      map.pick(at, pairOf(map.at[1], d, isAlibi) === pair ? map.at[1] : column);
      setText(caption, TEXT.tables[kind]);
    },
  };
}

/** The pair that a column of a table belongs to. @param {number} column @param {number} d @param {boolean} isAlibi */
function pairOf(column, d, isAlibi) {
  return isAlibi ? Math.min(column, d / 2 - 1) : column >> 1;
}

/** @param {any} model @param {number} length @param {number} d @param {boolean} isAlibi */
function makeMap(model, length, d, isAlibi) {
  const names = (/** @type {number} */ count, from = 0) => Array.from({ length: count }, (_, i) => String(i + from));
  return new HeatMap({
    label: TEXT.table,
    rows: names(length),
    columns: isAlibi ? names(headsFor(d), 1) : names(d),
    rowName: isAlibi ? TEXT.rowsAlibi : TEXT.rows,
    columnName: isAlibi ? TEXT.columnsAlibi : TEXT.columns,
    signed: true,
    tell: (row, column, value) =>
      filled(isAlibi ? TEXT.cellAlibi : TEXT.cell, { row, column: column + Number(isAlibi), value: readable(value) }),
    go: (row, column) => {
      put(model, "pair", pairOf(column, d, isAlibi)); // first: the cursor's column is of it
      put(model, "position", row);
    },
  });
}

/** One pair of dimensions as a clock hand; ALiBi has none. */
function makeClock() {
  const points = svg("path", { class: "cl-tick" });
  const hand = svg("line", { class: "cl-hand", x1: 0, y1: 0 });
  const tip = svg("circle", { class: "cl-dot cl-two", r: 5 });
  const box = { class: "cl-clock", viewBox: "-100 -100 200 200", role: "img", "aria-label": TEXT.clockLabel };
  const clock = svg("svg", box, svg("circle", { class: "cl-ring", r: RADIUS }), points, hand, tip);
  const caption = html("p", { class: "cl-caption" });
  const dot = (/** @type {number[]} */ [x, y]) => `M${x - 2} ${y}a2 2 0 1 0 4 0a2 2 0 1 0 -4 0`;
  return {
    element: makePanel(TEXT.clock, clock, caption),
    caption,
    /** @param {Shown} shown */
    draw({ kind, rows, pair, at, d, base }) {
      clock.style.display = kind === "alibi" ? "none" : "";
      if (kind === "alibi") {
        const head = Math.min(headsFor(d), pair + 1);
        setText(caption, filled(TEXT.noHand, { head, slope: readable(alibiSlopes(headsFor(d))[head - 1]) }));
        return;
      }
      const places = clockPoints(kind, rows, pair, RADIUS);
      const [x, y] = places[at];
      setAttributes(points, { d: places.map(dot).join("") });
      setAttributes(hand, { x2: x, y2: y });
      setAttributes(tip, { cx: x, cy: y });
      const values = {
        sine: 2 * pair,
        cosine: 2 * pair + 1,
        position: at,
        turn: readable((2 * Math.PI) / frequency(pair, d, base)),
        x: readable(rows[at][2 * pair]),
        y: readable(rows[at][2 * pair + 1]),
      };
      setText(caption, filled(kind === "learned" ? TEXT.handPlain : TEXT.hand, values));
    },
  };
}

/** How alike every position is to the followed one. */
function makeSimilarity() {
  const chart = new Chart({ label: TEXT.chart, xName: TEXT.rows, yName: TEXT.y });
  const caption = html("p", { class: "cl-caption" });
  return {
    element: makePanel(TEXT.similarity, chart.element, caption),
    /** @param {Shown} shown */
    draw({ kind, rows, at, length }) {
      const alike = similarity(kind, rows, at);
      const low = Math.min(0, ...alike);
      chart.show({
        x: [0, length - 1],
        y: kind === "alibi" ? [low, 0] : [Math.min(low, -0.2), 1],
        lines: [{ points: alike.map((value, other) => [other, value]), kind: "one" }],
        dots: [{ at: [at, alike[at]], kind: "two" }],
      });
      setText(caption, filled(TEXT.curves[kind], { position: at }));
    },
  };
}

/** Six tokens in any order, and what the first gives to each. @param {any} model */
function makeShuffling(model) {
  const samples = floats(model, "samples");
  const orders = choiceButtons(
    TEXT.shuffling,
    [
      ["shuffle", TEXT.orders.shuffle],
      ["sort", TEXT.orders.sort],
    ],
    (choice) => put(model, "order", choice === "shuffle" ? shuffled() : ORDER),
  );
  const chips = html("div", { class: "cl-chips", role: "group", "aria-label": TEXT.orderNow });
  const placedName = html("span", { class: "cl-one" });
  const shares = Array.from(TOKENS, makeShare);
  const caption = html("p", { class: "cl-caption" });
  return {
    element: html(
      "section",
      { class: "cl-panel cl-shuffling" },
      html("h4", {}, TEXT.shuffling),
      html("p", { class: "cl-caption" }, TEXT.shuffled),
      html("div", { class: "cl-controls" }, chips, orders.element),
      html("p", { class: "cl-share-legend" }, html("span", { class: "cl-two" }, TEXT.plain), placedName),
      ...shares.map(({ line }) => line),
      caption,
    ),
    /** @param {Shown} shown */
    draw(shown) {
      const order = /** @type {number[]} */ (model.get("order")).filter((token) => token < shown.length);
      const { plain, placed } = given(shown, shown.rows, order, (part, token) => {
        const row = (part === "keys" ? TOKENS.length : 0) + token;
        return Array.from(samples.subarray(row * MOST_DIMENSIONS, row * MOST_DIMENSIONS + shown.d));
      });
      chips.replaceChildren(...order.map((token) => html("span", { class: "cl-chip" }, TOKENS[token])));
      setText(placedName, filled(TEXT.placedBy, { kind: TEXT.placed[shown.kind] }));
      shares.forEach((share, token) => drawShare(share, token, order.indexOf(token), plain, placed));
      const isSorted = order.every((token, place) => token === place);
      orders.show(isSorted ? "sort" : null);
      setText(caption, isSorted ? TEXT.inOrder : TEXT.moved);
    },
  };
}

function shuffled() {
  const order = ORDER.slice();
  for (let last = order.length - 1; last > 0; last--) {
    const other = Math.floor(Math.random() * (last + 1));
    [order[last], order[other]] = [order[other], order[last]];
  }
  return order;
}

/** @param {string} token */
function makeShare(token) {
  const [plain, placed] = ["two", "one"].map((kind) => html("span", { class: `cl-share-bar cl-${kind}` }));
  const numbers = html("span", { class: "cl-result" });
  const bars = html("span", { class: "cl-share-bars" }, plain, placed);
  const line = html("div", { class: "cl-share-line", role: "img" }, html("b", {}, token), bars, numbers);
  return { line, plain, placed, numbers };
}

/**
 * @param {ReturnType<typeof makeShare>} share @param {number} token @param {number} place
 * @param {number[]} plain @param {number[]} placed
 */
function drawShare(share, token, place, plain, placed) {
  share.line.hidden = place < 0;
  if (place < 0) return;
  share.plain.style.width = `${100 * plain[place]}%`;
  share.placed.style.width = `${100 * placed[place]}%`;
  const numbers = { plain: readable(plain[place]), placed: readable(placed[place]) };
  setText(share.numbers, `${numbers.plain} · ${numbers.placed}`);
  setAttributes(share.line, { "aria-label": filled(TEXT.share, { token: TOKENS[token], place, ...numbers }) });
}

export default { render };
