// @ts-check
/** The page side of HeadBrowser: all heads as small maps, one large, and lines from token to token. */
import { entropy } from "./compute.js";
import { choiceButtons, menu } from "./kit/controls.js";
import { html, setAttributes, setText } from "./kit/elements.js";
import { filled, readable } from "./kit/format.js";
import { frame, onNewLook } from "./kit/frame.js";
import { HeatMap, paintMaps } from "./kit/heat_map.js";
import { keepDrawn, put } from "./kit/model.js";

const TEXT = {
  title: "What does each head look at?",
  hint: "Pick a head on the left, then a token: its row shows where it looks.",
  heads: "All heads",
  headsAre: "One small map a head, each as bright as it gets.",
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
  who: "Who is looking?",
  lines_are: "“{query}” attends most to {best}.",
  best: "“{key}” ({weight})",
};
const THUMB = 24;
const MOST_LINES = 64;

/** @typedef {{name: string, layers: number, heads: number, queries: string[], keys: string[], start: number}} Part */

/** @param {{model: any, el: HTMLElement}} host */
function render({ model, el }) {
  const buffer = /** @type {DataView} */ (model.get("weights"));
  const all = new Uint16Array(buffer.buffer.slice(buffer.byteOffset, buffer.byteOffset + buffer.byteLength));
  const parts = /** @type {Part[]} */ (model.get("parts"));
  const { root, body, announcer, painted, leave } = frame({ model, el }, "heads", {
    title: model.get("title") || TEXT.title,
    hint: TEXT.hint,
  });
  const partButtons = choiceButtons(
    TEXT.part,
    parts.map(({ name }, index) => [String(index), name]),
    (index) => {
      for (const trait of ["layer", "head", "token"]) model.set(trait, 0);
      put(model, "part", Number(index));
    },
  );
  const orders = Object.keys(TEXT.orders);
  const order = menu(TEXT.order, Object.values(TEXT.orders), (index) => {
    model.set("order", orders[index]);
    views[model.get("part")].pickFirst(orders[index]);
  });
  const place = html("div", { class: "cl-panels" });
  body.append(
    html("div", { class: "cl-controls" }, ...(parts.length > 1 ? [partButtons.element] : []), order.element),
    place,
  );
  const views = parts.map((part) => makePart(part));
  let shown = -1;

  function makePart(/** @type {Part} */ part) {
    const { layers, heads, queries, keys, start } = part;
    const [n, m] = [queries.length, keys.length];
    /** One row of weights. */
    const row = (/** @type {number} */ layer, /** @type {number} */ head, /** @type {number} */ query) => {
      const from = start + ((layer * heads + head) * n + query) * m;
      return Array.from(all.subarray(from, from + m), (weight) => weight / 65535);
    };
    const scores = Array.from({ length: layers * heads }, (_, number) => {
      const rows = queries.map((_, query) => row(Math.floor(number / heads), number % heads, query));
      const both = Math.min(n, m);
      const along = (/** @type {number} */ offset) => {
        let sum = 0;
        for (let query = 0; query < both; query++)
          if (query + offset >= 0 && query + offset < both) sum += rows[query][query + offset];
        return sum / Math.max(1, both - Math.abs(offset));
      };
      const mean = (/** @type {(line: number[]) => number} */ of) => rows.reduce((sum, line) => sum + of(line), 0) / n;
      return {
        entropy: mean(entropy) / Math.max(Math.log(m), 1e-12),
        previous: along(-1),
        same: along(0),
        next: along(1),
        first: mean((line) => line[0]),
      };
    });
    const factsOf = (/** @type {number} */ number) => {
      const about = scores[number];
      return filled(
        TEXT.facts,
        Object.fromEntries(Object.entries(about).map(([name, value]) => [name, readable(value)])),
      );
    };

    const pick = (/** @type {number} */ number) => {
      model.set("layer", Math.floor(number / heads));
      model.set("head", number % heads);
      model.save_changes();
    };
    const inOrder = (/** @type {string} */ wanted) => {
      const numbers = scores.map((_, number) => number);
      if (wanted === "place") return numbers;
      const by = /** @type {keyof typeof scores[0]} */ (wanted);
      const sign = wanted === "entropy" ? 1 : -1; // the least entropy is the strongest focus
      return numbers.sort((a, b) => sign * (scores[a][by] - scores[b][by]));
    };

    /** @type {number[]} */
    let sequence = [];
    const thumbs = new HeatMap({
      label: TEXT.heads,
      rows: Array.from({ length: layers }, (_, layer) => String(layer + 1)),
      columns: Array.from({ length: heads }, (_, head) => String(head + 1)),
      rowName: TEXT.rows,
      columnName: TEXT.columns,
      tell: (r, c) => {
        const number = sequence[r * heads + c];
        const at = { layer: Math.floor(number / heads) + 1, head: (number % heads) + 1 };
        return filled(TEXT.thumb, { ...at, facts: factsOf(number) });
      },
      go: (r, c) => pick(sequence[r * heads + c]),
      paint: (canvas) => paintMaps(canvas, heads, sequence.map(thumbnail), Math.min(THUMB, m)),
    });
    thumbs.element.classList.add("cl-thumbs");

    /** One head, made small: each number the largest of its block, since a mean would hide small spots. */
    function thumbnail(/** @type {number} */ number) {
      const [height, width] = [Math.min(THUMB, n), Math.min(THUMB, m)];
      const small = new Float32Array(height * width);
      const from = start + number * n * m;
      for (let q = 0; q < n; q++) {
        const line = Math.floor((q * height) / n) * width;
        for (let k = 0; k < m; k++) {
          const at = line + Math.floor((k * width) / m);
          small[at] = Math.max(small[at], all[from + q * m + k]);
        }
      }
      return small;
    }

    const large = new HeatMap({
      label: TEXT.large,
      rows: queries,
      columns: keys,
      rowName: TEXT.queries,
      columnName: TEXT.keys,
      tell: (q, k, value) =>
        filled(TEXT.cell, { query: `“${queries[q]}”`, key: `“${keys[k]}”`, weight: readable(value) }),
      go: (q) => put(model, "token", q),
    });
    const heading = html("h4");
    const facts = html("p", { class: "cl-caption" });
    const lines = makeLines(part);
    const caption = html("p", { class: "cl-caption" });
    const element = [
      html(
        "section",
        { class: "cl-panel" },
        html("h4", {}, TEXT.heads),
        thumbs.element,
        html("p", { class: "cl-caption" }, TEXT.headsAre),
      ),
      html("section", { class: "cl-panel" }, heading, large.element, facts),
      html("section", { class: "cl-panel" }, html("h4", {}, TEXT.lines), lines.element, caption),
    ];
    let ordered = "";
    return {
      element,
      /** @param {string} wanted */
      pickFirst: (wanted) => pick(inOrder(wanted)[0]),
      draw() {
        const [layer, head, token] = ["layer", "head", "token"].map((name) => model.get(name));
        const wanted = model.get("order");
        if (wanted !== ordered) {
          ordered = wanted;
          sequence = inOrder(wanted);
          thumbs.show(Array.from({ length: layers }, () => new Array(heads).fill(0)));
          thumbs.element.classList.toggle("cl-out-of-place", wanted !== "place");
        }
        const index = sequence.indexOf(layer * heads + head);
        thumbs.pick(Math.floor(index / heads), index % heads);
        const rows = queries.map((_, query) => row(layer, head, query));
        large.show(rows, { row: token, top: Math.max(1e-9, ...rows.map((line) => Math.max(...line))) });
        lines.draw(rows, token);
        setText(heading, filled(TEXT.large, { layer: layer + 1, head: head + 1 }));
        setText(facts, factsOf(layer * heads + head));
        const best = keys
          .map((key, k) => ({ key, weight: rows[token][k] }))
          .sort((a, b) => b.weight - a.weight)
          .slice(0, 3)
          .map(({ key, weight }) => filled(TEXT.best, { key, weight: readable(weight) }));
        setText(caption, filled(TEXT.lines_are, { query: queries[token], best: best.join(", ") }));
        announcer.say(`${heading.textContent}. ${caption.textContent}`);
      },
    };
  }

  /** Queries on the left, keys on the right, a line for each weight; the followed token's lines are strong. */
  function makeLines(/** @type {Part} */ { queries, keys }) {
    const most = Math.max(queries.length, keys.length);
    if (most > MOST_LINES) return { element: html("div"), draw: () => {} };
    const canvas = /** @type {HTMLCanvasElement} */ (
      html("canvas", { class: "cl-lines-canvas", "aria-hidden": "true" })
    );
    const left = queries.map((token, index) =>
      html(
        "button",
        { type: "button", class: "cl-line-token", title: token, click: () => put(model, "token", index) },
        token,
      ),
    );
    const right = keys.map((token) => html("span", { class: "cl-line-token", title: token }, token));
    const element = html(
      "div",
      { class: "cl-token-lines", role: "group", "aria-label": TEXT.who },
      html("div", { class: "cl-line-side" }, ...left),
      canvas,
      html("div", { class: "cl-line-side cl-line-keys" }, ...right),
    );
    return {
      element,
      draw(/** @type {number[][]} */ rows, /** @type {number} */ token) {
        const step = 20;
        const [width, height] = [120, most * step];
        const ratio = window.devicePixelRatio || 1;
        Object.assign(canvas, { width: width * ratio, height: height * ratio });
        setAttributes(canvas, { style: `width: ${width}px; height: ${height}px` });
        const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
        context.scale(ratio, ratio);
        const style = getComputedStyle(root);
        const draw = (/** @type {number} */ query, /** @type {string} */ colour, /** @type {number} */ strength) =>
          rows[query].forEach((weight, key) => {
            if (weight < 0.01) return;
            context.globalAlpha = Math.min(1, weight * strength);
            context.strokeStyle = colour;
            context.lineWidth = query === token ? 1 + 3 * weight : 1;
            context.beginPath();
            context.moveTo(0, (query + 0.5) * step);
            context.bezierCurveTo(
              width / 2,
              (query + 0.5) * step,
              width / 2,
              (key + 0.5) * step,
              width,
              (key + 0.5) * step,
            );
            context.stroke();
          });
        rows.forEach((_, query) => query !== token && draw(query, style.getPropertyValue("--cl-ink-soft"), 0.35));
        draw(token, style.getPropertyValue("--cl-query"), 1.4);
        left.forEach((button, index) => button.setAttribute("aria-pressed", String(index === token)));
        right.forEach((label, key) => {
          const share = rows[token][key];
          label.style.background = `color-mix(in srgb, var(--cl-query) ${70 * share}%, var(--cl-panel))`;
          label.style.fontWeight = share >= 0.2 ? "650" : "";
        });
      },
    };
  }

  function draw() {
    const part = model.get("part");
    if (part !== shown) {
      shown = part;
      place.replaceChildren(...views[part].element);
    }
    partButtons.show(String(part));
    order.show(orders.indexOf(model.get("order")));
    views[part].draw();
    painted();
  }
  const stop = keepDrawn(model, ["part", "layer", "head", "token", "order"], draw);
  const unwatch = onNewLook(root, draw);
  return () => {
    unwatch();
    stop();
    leave();
  };
}

export default { render };
