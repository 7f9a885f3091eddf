// @ts-check
/** The page side of PatchView: an image in patches, and what the picked one attends to. */
import { button, enable, toggle } from "./kit/controls.js";
import { html, setText } from "./kit/elements.js";
import { filled, readable } from "./kit/format.js";
import { frame } from "./kit/frame.js";
import { HeatMap, paintMaps } from "./kit/heat_map.js";
import { floats, keepDrawn, put } from "./kit/model.js";

const TEXT = {
  title: "Which patches look at which?",
  hint: "Click a patch of the image. The map shows where it looks; the small maps show the same for every head.",
  image: "Image",
  attention: "Attention",
  heads: "All heads, for this patch",
  class: "class token",
  shuffle: "Shuffle the patches",
  restore: "Put them back",
  patch: "patch in row {row}, column {column}",
  looks: "the patch in row {row}, column {column} gets {weight}",
  rows: "layer",
  columns: "head",
  head: "layer {layer}, head {head}",
  here: "Layer {layer}, head {head}: {who} looks most at row {row}, column {column} ({weight}).{rest}",
  rest: " The class token gets {weight}.",
  shuffled: "Shuffled: the model sees the same patches in other places.",
};

/** @param {{model: any, el: HTMLElement}} host */
function render({ model, el }) {
  const { height, width, patch, layers, heads, class: hasClass, function: driven } = model.get("about");
  const [rows, columns] = [height / patch, width / patch];
  const patches = rows * columns;
  const tokens = patches + Number(hasClass);
  const { root, body, announcer, painted, leave } = frame({ model, el }, "patches", {
    title: model.get("title") || TEXT.title,
    hint: TEXT.hint,
  });
  const trouble = html("div", { class: "cl-trouble", role: "alert", hidden: true });
  const classButton = toggle(TEXT.class, () => put(model, "selected", -1));
  const shuffleButton = button(TEXT.shuffle, () => put(model, "shuffle", model.get("shuffle") + 1));
  const restoreButton = button(TEXT.restore, () => put(model, "shuffle", 0));
  const image = new HeatMap({
    label: TEXT.image,
    rows: count(rows),
    columns: count(columns),
    tell: (row, column) => filled(TEXT.patch, { row: row + 1, column: column + 1 }),
    go: (row, column) => put(model, "selected", row * columns + column),
    paint: (canvas) => paintImage(canvas, model),
  });
  const map = new HeatMap({
    label: TEXT.attention,
    rows: count(rows),
    columns: count(columns),
    tell: (row, column, weight) => filled(TEXT.looks, { row: row + 1, column: column + 1, weight: readable(weight) }),
    go: (row, column) => put(model, "selected", row * columns + column),
  });
  const thumbs = makeThumbs(model, columns, () => {
    const all = floats(model, "weights");
    return Array.from({ length: layers * heads }, (_, number) =>
      rowOf(all, Math.floor(number / heads), number % heads).slice(Number(hasClass)),
    );
  });
  image.element.classList.add("cl-framed");
  const caption = html("p", { class: "cl-caption" });
  const state = html("p", { class: "cl-caption" });
  body.append(
    trouble,
    html(
      "div",
      { class: "cl-controls" },
      ...(hasClass ? [classButton.element] : []),
      ...(driven && model.hasKernel !== false ? [shuffleButton, restoreButton] : []),
    ),
    html(
      "div",
      { class: "cl-panels" },
      html("section", { class: "cl-panel" }, html("h4", {}, TEXT.image), image.element, state),
      html("section", { class: "cl-panel" }, html("h4", {}, TEXT.attention), map.element, caption),
      html("section", { class: "cl-panel" }, html("h4", {}, TEXT.heads), thumbs.element),
    ),
  );

  /** What the picked token gives to every token, in one head. */
  function rowOf(/** @type {Float32Array} */ all, /** @type {number} */ layer, /** @type {number} */ head) {
    const query = model.get("selected") + Number(hasClass);
    const from = ((layer * heads + head) * tokens + query) * tokens;
    return all.subarray(from, from + tokens);
  }

  function draw() {
    const [layer, head, who] = ["layer", "head", "selected"].map((name) => model.get(name));
    const row = rowOf(floats(model, "weights"), layer, head);
    const weights = Array.from(row.subarray(Number(hasClass)));
    const grid = Array.from({ length: rows }, (_, r) => weights.slice(r * columns, (r + 1) * columns));
    const blank = grid.map((line) => line.map(() => 0));
    image.show(blank);
    map.show(grid, { top: Math.max(1e-9, ...weights) });
    thumbs.show(Array.from({ length: layers }, () => new Array(heads).fill(0)));
    thumbs.pick(layer, head);
    for (const one of [image, map]) {
      one.element.classList.toggle("cl-picked", who >= 0);
      if (who >= 0) one.pick(Math.floor(who / columns), who % columns);
    }
    classButton.show(who < 0);
    const best = weights.indexOf(Math.max(...weights));
    const values = {
      layer: layer + 1,
      head: head + 1,
      who:
        who < 0 ? TEXT.class : filled(TEXT.patch, { row: Math.floor(who / columns) + 1, column: (who % columns) + 1 }),
      row: Math.floor(best / columns) + 1,
      column: (best % columns) + 1,
      weight: readable(weights[best]),
      rest: hasClass ? filled(TEXT.rest, { weight: readable(row[0]) }) : "",
    };
    setText(caption, filled(TEXT.here, values));
    setText(state, model.get("shuffle") ? TEXT.shuffled : "");
    enable(restoreButton, model.get("shuffle") > 0);
    setText(trouble, model.get("error"));
    trouble.hidden = !model.get("error");
    root.dataset.state = model.get("error") ? "error" : "ok";
    announcer.say(caption.textContent ?? "");
    painted();
  }
  const stop = keepDrawn(model, ["layer", "head", "selected", "weights", "image", "error", "shuffle"], draw);
  return () => {
    stop();
    leave();
  };
}

/** The picked patch's map in every head. @param {any} model @param {number} columns @param {() => Float32Array[]} maps */
function makeThumbs(model, columns, maps) {
  const { layers, heads } = model.get("about");
  const thumbs = new HeatMap({
    label: TEXT.heads,
    rows: count(layers),
    columns: count(heads),
    rowName: TEXT.rows,
    columnName: TEXT.columns,
    tell: (layer, head) => filled(TEXT.head, { layer: layer + 1, head: head + 1 }),
    go: (layer, head) => {
      model.set("layer", layer);
      model.set("head", head);
      model.save_changes();
    },
    paint: (canvas) => paintMaps(canvas, heads, maps(), columns),
  });
  thumbs.element.classList.add("cl-thumbs");
  return thumbs;
}

/** The numbers from 1 on, as labels. @param {number} n */
function count(n) {
  return Array.from({ length: n }, (_, i) => String(i + 1));
}

/** @param {HTMLCanvasElement} canvas @param {any} model */
function paintImage(canvas, model) {
  const { height, width, channels } = model.get("about");
  const pixels = floats(model, "image");
  Object.assign(canvas, { width, height });
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const data = context.createImageData(width, height);
  for (let pixel = 0; pixel < width * height; pixel++) {
    for (let channel = 0; channel < 3; channel++) {
      const value = channels === 3 ? pixels[3 * pixel + channel] : 1 - pixels[pixel]; // one channel is ink on paper
      data.data[4 * pixel + channel] = 255 * Math.min(1, Math.max(0, value));
    }
    data.data[4 * pixel + 3] = 255;
  }
  context.putImageData(data, 0, 0);
}

export default { render };
