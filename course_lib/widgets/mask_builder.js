// @ts-check
/** The page side of MaskBuilder: who may attend to whom, the weights that result, and how far information travels. */
import { causalMask, combined, paddingMask, reach, slidingWindowMask, softmax } from "./compute.js";
import { button, slider, toggle } from "./kit/controls.js";
import { html, setText } from "./kit/elements.js";
import { filled, readable } from "./kit/format.js";
import { frame } from "./kit/frame.js";
import { HeatMap } from "./kit/heat_map.js";
import { keepDrawn, put } from "./kit/model.js";

const TEXT = {
  title: "Who may look at whom?",
  hint: "Combine masks, or paint: click a pair of the first map to hide or show it (Space does the same).",
  causal: "causal",
  length: "tokens, the rest is padding",
  window: "window",
  everything: "no limit",
  layers: "layers",
  reset: "Reset",
  mask: "Mask",
  maskIs: "Bright: may attend. {allowed} of {all} pairs.",
  weights: "Weights",
  weightsAre: "Softmax over what is allowed; every row sums to 1, but for {empty}.",
  weightsAllRight: "Softmax over what is allowed: every row sums to 1.",
  noRow: "no row",
  reach: "Reach",
  reachIs: "The brighter, the fewer layers: {reached} of {all} pairs within {layers}.",
  queries: "queries",
  keys: "keys",
  cell: "{query} {may} {key}",
  may: "may attend to",
  mayNot: "may not attend to",
  weight: "{query} attends to {key} with {weight}",
  reached: "{query} is reached by {key} after {layers} layers",
  notReached: "{query} is not reached by {key}",
  empty: "A row without any key: {tokens}. Its weights are 0, and so is its context.",
};

/** @param {{model: any, el: HTMLElement}} host */
function render({ model, el }) {
  const tokens = /** @type {string[]} */ (model.get("tokens"));
  const n = tokens.length;
  const scores = model.get("scores");
  const { root, body, announcer, painted, leave } = frame({ model, el }, "masks", {
    title: model.get("title") || TEXT.title,
    hint: TEXT.hint,
  });
  const controls = makeControls(model, n);
  /** @type {Now} */
  let now = { mask: [], weights: [], far: [] };
  const maps = makeMaps(model, tokens, () => now);
  const captions = { mask: html("p"), weights: html("p"), reach: html("p") };
  const empty = html("p", { class: "cl-verdict", role: "status", hidden: true });
  const panel = (/** @type {keyof typeof maps} */ name, /** @type {string} */ heading) => {
    captions[name].className = "cl-caption";
    return html(
      "section",
      { class: "cl-panel", "data-map": name },
      html("h4", {}, heading),
      maps[name].element,
      captions[name],
    );
  };
  body.append(
    controls.element,
    html(
      "div",
      { class: "cl-panels" },
      panel("mask", TEXT.mask),
      panel("weights", TEXT.weights),
      panel("reach", TEXT.reach),
    ),
    empty,
  );

  function draw() {
    const depth = model.get("layers");
    const mask = maskNow(model, n);
    const weights = mask.map((row, q) => softmax(scores[q], row));
    const far = reach(mask, depth);
    now = { mask, weights, far };
    const row = model.get("selected");
    maps.mask.show(
      mask.map((line) => line.map(Number)),
      { row },
    );
    maps.weights.show(weights, { row });
    maps.reach.show(
      far.map((line) => line.map((steps) => (steps ? (depth + 1 - steps) / depth : 0))),
      { row },
    );
    controls.draw();
    const count = (/** @type {any[][]} */ rows) => rows.flat().filter(Boolean).length;
    const blind = tokens.filter((_, q) => !mask[q].some(Boolean)).map((token) => `“${token}”`);
    setText(captions.mask, filled(TEXT.maskIs, { allowed: count(mask), all: n * n }));
    setText(
      captions.weights,
      blind.length ? filled(TEXT.weightsAre, { empty: blind.join(", ") }) : TEXT.weightsAllRight,
    );
    setText(captions.reach, filled(TEXT.reachIs, { reached: count(far), all: n * n, layers: depth }));
    empty.hidden = !blind.length;
    if (blind.length) setText(empty, filled(TEXT.empty, { tokens: blind.join(", ") }));
    root.dataset.state = blind.length ? "blind" : "ok";
    announcer.say(captions.mask.textContent ?? "");
    painted();
  }
  const traits = ["causal", "length", "window", "painted", "layers", "selected"];
  const stop = keepDrawn(model, traits, draw);
  return () => {
    stop();
    leave();
  };
}

/** @typedef {{mask: boolean[][], weights: number[][], far: number[][]}} Now */

/** @param {any} model @param {number} n */
function makeControls(model, n) {
  const start = Object.fromEntries(["causal", "length", "window", "painted"].map((name) => [name, model.get(name)]));
  const causal = toggle(TEXT.causal, (on) => put(model, "causal", on));
  const length = slider({ label: TEXT.length, min: 0, max: n, change: (value) => put(model, "length", value) });
  const window_ = slider({
    label: TEXT.window,
    min: 0,
    max: n,
    format: (value) => (value >= n ? TEXT.everything : String(value)),
    change: (value) => put(model, "window", value),
  });
  const layers = slider({ label: TEXT.layers, min: 1, max: 12, change: (value) => put(model, "layers", value) });
  const reset = button(TEXT.reset, () => {
    for (const [name, value] of Object.entries(start)) model.set(name, value);
    model.save_changes();
  });
  return {
    element: html(
      "div",
      { class: "cl-controls" },
      causal.element,
      length.element,
      window_.element,
      layers.element,
      reset,
    ),
    draw() {
      causal.show(model.get("causal"));
      length.show(model.get("length"));
      window_.show(model.get("window"));
      layers.show(model.get("layers"));
    },
  };
}

/** @param {any} model @param {string[]} tokens @param {() => Now} now */
function makeMaps(model, tokens, now) {
  const pair = (/** @type {number} */ q, /** @type {number} */ k) => ({
    query: `“${tokens[q]}”`,
    key: `“${tokens[k]}”`,
  });
  const shared = { rows: tokens, columns: tokens, rowName: TEXT.queries, columnName: TEXT.keys };
  const go = (/** @type {number} */ q) => put(model, "selected", q);
  return {
    mask: new HeatMap({
      ...shared,
      label: TEXT.mask,
      tell: (q, k, value) => filled(TEXT.cell, { ...pair(q, k), may: value ? TEXT.may : TEXT.mayNot }),
      go,
      act: (q, k) => put(model, "painted", { ...model.get("painted"), [`${q},${k}`]: !now().mask[q][k] }),
    }),
    weights: new HeatMap({
      ...shared,
      label: TEXT.weights,
      tell: (q, k, value) => filled(TEXT.weight, { ...pair(q, k), weight: readable(value) }),
      go,
    }),
    reach: new HeatMap({
      ...shared,
      label: TEXT.reach,
      tell: (q, k) => {
        const { far } = now();
        return filled(far[q][k] ? TEXT.reached : TEXT.notReached, { ...pair(q, k), layers: far[q][k] });
      },
      go,
    }),
  };
}

/** All masks together, and what was painted over them. @param {any} model @param {number} n */
function maskNow(model, n) {
  const parts = [slidingWindowMask(n, model.get("window")), paddingMask(n, model.get("length"))];
  if (model.get("causal")) parts.push(causalMask(n));
  const mask = combined(...parts);
  for (const [place, may] of Object.entries(model.get("painted"))) {
    const [q, k] = place.split(",").map(Number);
    mask[q][k] = may;
  }
  return mask;
}

export default { render };
