// @ts-check
/** The page side of HeadBrowser: all heads as small maps, one large, and lines from token to token. */
import { Heads } from "./head_numbers.js";
import { choiceButtons, menu } from "./kit/controls.js";
import { html, setAttributes, setText } from "./kit/elements.js";
import { filled, readable } from "./kit/format.js";
import { frame, onNewLook } from "./kit/frame.js";
import { HeatMap, paintMaps } from "./kit/heat_map.js";
import { keepDrawn, put } from "./kit/model.js";
import { ownTextBox, TEXT_TRAITS } from "./kit/text_box.js";

const TEXT = {
  title: "What does each head look at?",
  hint: "Pick a head on the left, then a token: its row shows where it looks.",
  own: { label: "Your sentence", example: "Type one, and see where each word looks" },
  heads: "All heads",
  headsAre: "One small map for each head, each on its own scale: its largest weight is brightest.",
  rows: "layer",
  columns: "head",
  order: "order",
  orders: {
    place: "by layer and head",
    entropy: "most focused first",
    previous: "previous-token heads first",
    next: "next-token heads first",
    same: "same-token heads first",
    first: "first-token heads first",
  },
  part: "Part of the model",
  large: "Layer {layer}, head {head}",
  thumb: "layer {layer}, head {head}: {facts}",
  facts:
    "entropy {entropy} of its most; on the previous token {previous}, itself {same}, the next {next}, the first {first}",
  cell: "{query} attends to {key} with {weight}",
  queries: "queries",
  keys: "keys",
  lines: "From token to token",
  tooMany: "Lines are drawn between up to {most} tokens.",
  who: "Who is looking?",
  lines_are: "“{query}” attends most to {best}.",
  best: "“{key}” ({weight})",
};
const MOST_LINES = 64;

const STEP = 20; // pixels from token to token
const WIDTH = 120;

/** @typedef {import("./head_numbers.js").Part} Part */

const TRAITS = ["parts", "weights", "part", "layer", "head", "token", "order", ...TEXT_TRAITS];

/** @param {{model: any, el: HTMLElement}} host */
function render({ model, el }) {
  const { root, body, announcer, painted, leave } = frame({ model, el }, "heads", {
    title: model.get("title") || TEXT.title,
    hint: TEXT.hint,
  });
  const own = ownTextBox(model, TEXT.own);
  const names = /** @type {Part[]} */ (model.get("parts")).map(({ name }) => name); // the same for every text
  const partButtons = choiceButtons(
    TEXT.part,
    names.map((name, index) => [String(index), name]),
    (index) => {
      for (const trait of ["layer", "head", "token"]) model.set(trait, 0);
      put(model, "part", Number(index));
    },
  );
  const orders = Object.keys(TEXT.orders);
  const order = menu(TEXT.order, Object.values(TEXT.orders), (index) => {
    model.set("order", orders[index]);
    views[model.get("part")].pickFirst();
  });
  const place = html("div", { class: "cl-panels" });
  body.append(
    ...own.elements,
    html("div", { class: "cl-controls" }, ...(names.length > 1 ? [partButtons.element] : []), order.element),
    place,
  );
  /** @type {ReturnType<typeof makePart>[]} */
  let views = [];
  /** @type {unknown[]} */
  let made = []; // what the views are made of
  let shown = -1;

  function draw() {
    const part = model.get("part");
    const now = [model.get("parts"), model.get("weights")];
    if (now.some((one, index) => one !== made[index])) {
      made = now;
      shown = -1;
      views = makeParts(model);
    }
    if (part !== shown) {
      shown = part;
      place.replaceChildren(...views[part].elements);
    }
    own.draw();
    partButtons.show(String(part));
    order.show(orders.indexOf(model.get("order")));
    root.dataset.state = own.isWaiting ? "pending" : model.get("text_error") ? "error" : "ok";
    announcer.say(views[part].draw(getComputedStyle(root)));
    painted();
  }
  const stop = keepDrawn(model, TRAITS, draw);
  const unwatch = onNewLook(root, draw);
  return () => {
    unwatch();
    stop();
    leave();
  };
}

/** @param {any} model */
function makeParts(model) {
  const { buffer, byteOffset, byteLength } = /** @type {DataView} */ (model.get("weights"));
  const all = new Uint16Array(buffer.slice(byteOffset, byteOffset + byteLength));
  return /** @type {Part[]} */ (model.get("parts")).map((part) => makePart(model, new Heads(all, part)));
}

/** All heads of a part of the model, the picked one large, and its lines from token to token. @param {any} model @param {Heads} heads */
function makePart(model, heads) {
  const { queries, keys } = heads.part;
  const thumbs = makeThumbs(model, heads);
  const large = makeLarge(model, heads);
  const [heading, facts, caption] = [
    html("h4"),
    html("p", { class: "cl-caption" }),
    html("p", { class: "cl-caption" }),
  ];
  const lines = makeLines(model, heads.part);
  return {
    elements: [
      html(
        "section",
        { class: "cl-panel" },
        html("h4", {}, TEXT.heads),
        thumbs.element,
        html("p", { class: "cl-caption" }, TEXT.headsAre),
      ),
      html("section", { class: "cl-panel" }, heading, large.element, facts),
      html("section", { class: "cl-panel" }, html("h4", {}, TEXT.lines), lines.element, caption),
    ],
    pickFirst: () => pick(model, heads, heads.inOrder(model.get("order"))[0]),
    /** Draws the present choice, and says it. @param {CSSStyleDeclaration} style */
    draw(style) {
      const [layer, head, token] = ["layer", "head", "token"].map((name) => model.get(name));
      const number = heads.numberOf(layer, head);
      const rows = heads.rowsOf(number);
      thumbs.draw(number);
      large.show(rows, { row: token, top: Math.max(1e-9, ...rows.map((line) => Math.max(...line))) });
      lines.draw(rows, token, style);
      setText(heading, filled(TEXT.large, { layer: layer + 1, head: head + 1 }));
      setText(facts, factsOf(heads, number));
      const best = keys
        .map((key, k) => ({ key, weight: rows[token][k] }))
        .sort((a, b) => b.weight - a.weight)
        .slice(0, 3)
        .map(({ key, weight }) => filled(TEXT.best, { key, weight: readable(weight) }));
      setText(caption, filled(TEXT.lines_are, { query: queries[token], best: best.join(", ") }));
      return `${heading.textContent}. ${caption.textContent}`;
    },
  };
}

/** @param {any} model @param {Heads} heads @param {number} number */
function pick(model, heads, number) {
  const { layer, head } = heads.placeOf(number);
  model.set("layer", layer);
  model.set("head", head);
  model.save_changes();
}

/** What a head does, in words. @param {Heads} heads @param {number} number */
function factsOf(heads, number) {
  const found = Object.entries(heads.facts[number]).map(([name, value]) => [name, readable(value)]);
  return filled(TEXT.facts, Object.fromEntries(found));
}

/** All heads as small maps, in the wanted order. @param {any} model @param {Heads} heads */
function makeThumbs(model, heads) {
  const { layers, heads: perRow } = heads.part;
  /** @type {number[]} */
  let sequence = [];
  let ordered = "";
  const map = new HeatMap({
    label: TEXT.heads,
    rows: Array.from({ length: layers }, (_, layer) => String(layer + 1)),
    columns: Array.from({ length: perRow }, (_, head) => String(head + 1)),
    rowName: TEXT.rows,
    columnName: TEXT.columns,
    tell: (r, c) => {
      const number = sequence[r * perRow + c];
      const { layer, head } = heads.placeOf(number);
      return filled(TEXT.thumb, { layer: layer + 1, head: head + 1, facts: factsOf(heads, number) });
    },
    go: (r, c) => pick(model, heads, sequence[r * perRow + c]),
    paint: (canvas) =>
      paintMaps(
        canvas,
        perRow,
        sequence.map((number) => heads.small(number)),
        heads.smallWidth,
      ),
  });
  map.element.classList.add("cl-thumbs");
  return {
    element: map.element,
    /** @param {number} number of the picked head */
    draw(number) {
      const wanted = model.get("order");
      if (wanted !== ordered) {
        ordered = wanted;
        sequence = heads.inOrder(wanted);
        map.show(Array.from({ length: layers }, () => new Array(perRow).fill(0)));
        map.element.classList.toggle("cl-out-of-place", wanted !== "place");
      }
      const index = sequence.indexOf(number);
      map.pick(Math.floor(index / perRow), index % perRow);
    },
  };
}

/** @param {any} model @param {Heads} heads */
function makeLarge(model, { part: { queries, keys } }) {
  return new HeatMap({
    label: TEXT.large,
    rows: queries,
    columns: keys,
    rowName: TEXT.queries,
    columnName: TEXT.keys,
    tell: (q, k, value) =>
      filled(TEXT.cell, { query: `“${queries[q]}”`, key: `“${keys[k]}”`, weight: readable(value) }),
    go: (q) => put(model, "token", q),
  });
}

/**
 * Queries on the left, keys on the right, a line for each weight; the followed token's lines are strong.
 * @param {any} model @param {Part} part
 */
function makeLines(model, { queries, keys }) {
  const most = Math.max(queries.length, keys.length);
  const tooMany = filled(TEXT.tooMany, { most: MOST_LINES });
  if (most > MOST_LINES) return { element: html("p", { class: "cl-caption" }, tooMany), draw: () => {} };
  const canvas = /** @type {HTMLCanvasElement} */ (html("canvas", { class: "cl-lines-canvas", "aria-hidden": "true" }));
  const left = queries.map((token, index) => {
    const click = () => put(model, "token", index);
    return html("button", { type: "button", class: "cl-line-token", title: token, click }, token);
  });
  const right = keys.map((token) => html("span", { class: "cl-line-token", title: token }, token));
  return {
    element: html(
      "div",
      { class: "cl-token-lines", role: "group", "aria-label": TEXT.who },
      html("div", { class: "cl-line-side" }, ...left),
      canvas,
      html("div", { class: "cl-line-side cl-line-keys" }, ...right),
    ),
    /** @param {number[][]} rows @param {number} token @param {CSSStyleDeclaration} style */
    draw(rows, token, style) {
      const context = sharpContext(canvas, WIDTH, most * STEP);
      rows.forEach((_, query) => {
        if (query !== token) drawLines(context, rows[query], query, style.getPropertyValue("--cl-ink-soft"), 0.35);
      });
      drawLines(context, rows[token], token, style.getPropertyValue("--cl-query"), 1.4, 3);
      left.forEach((button, index) => button.setAttribute("aria-pressed", String(index === token)));
      right.forEach((label, key) => {
        const share = rows[token][key];
        label.style.background = `color-mix(in srgb, var(--cl-query) ${70 * share}%, var(--cl-panel))`;
        label.style.fontWeight = share >= 0.2 ? "650" : "";
      });
    },
  };
}

/** A canvas of so many pixels of the page, as sharp as the screen. @param {HTMLCanvasElement} canvas @param {number} width @param {number} height */
function sharpContext(canvas, width, height) {
  const ratio = window.devicePixelRatio || 1;
  Object.assign(canvas, { width: width * ratio, height: height * ratio });
  setAttributes(canvas, { style: `width: ${width}px; height: ${height}px` });
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  context.scale(ratio, ratio);
  return context;
}

/**
 * The lines of one query, each as strong as its weight.
 * @param {CanvasRenderingContext2D} context @param {number[]} row @param {number} query
 * @param {string} colour @param {number} strength @param {number} [broader] how much broader a line is for weight 1
 */
function drawLines(context, row, query, colour, strength, broader = 0) {
  const from = (query + 0.5) * STEP;
  row.forEach((weight, key) => {
    if (weight < 0.01) return;
    const to = (key + 0.5) * STEP;
    context.globalAlpha = Math.min(1, weight * strength);
    context.strokeStyle = colour;
    context.lineWidth = 1 + broader * weight;
    context.beginPath();
    context.moveTo(0, from);
    context.bezierCurveTo(WIDTH / 2, from, WIDTH / 2, to, WIDTH, to);
    context.stroke();
  });
}

export default { render };
