// @ts-check
/** The page side of ScalingLab: scores of random vectors, and what softmax makes of them. */
import { dot, entropy, jacobianNorm, softmax } from "./compute.js";
import { Chart } from "./kit/chart.js";
import { factList, slider, toggle } from "./kit/controls.js";
import { html, setText } from "./kit/elements.js";
import { filled, readable } from "./kit/format.js";
import { frame } from "./kit/frame.js";
import { roundedUp } from "./kit/geometry.js";
import { floats, keepDrawn, put } from "./kit/model.js";

const TEXT = {
  title: "Why divide by √d_k?",
  hint: "Move d_k up and watch the scores spread. Then divide by √d_k.",
  dimensions: "dimensions d_k",
  keys: "keys",
  temperature: "temperature",
  query: "query",
  scale: "divide by √d_k",
  scores: "Scores",
  scoresAre: "all scores of {queries} queries with {keys} keys; their standard deviation is {spread}",
  weights: "Softmax of one query",
  weightsAre: "weights of query {query}; they sum to 1",
  chartScores: "Histogram of the scores",
  chartWeights: "Weights of one query over the keys",
  score: "score",
  many: "how many",
  key: "key",
  weight: "weight",
  facts: {
    spread: "spread of the scores",
    largest: "largest weight (mean)",
    entropy: "entropy (mean)",
    gradient: "gradient through softmax",
  },
  entropyOf: "{entropy} of {most} nats",
  verdict: {
    saturated: "Saturated: one key takes nearly all, and hardly any gradient comes through.",
    flat: "Flat: all keys count nearly the same.",
    alive: "Alive: keys differ, and the gradient comes through.",
  },
};
const BINS = 41;

/** @param {{model: any, el: HTMLElement}} host */
function render({ model, el }) {
  const shape = model.get("shape");
  const queries = rowsOf(floats(model, "query_vectors"), shape.dimensions);
  const keys = rowsOf(floats(model, "key_vectors"), shape.dimensions);
  const { root, body, announcer, painted, leave } = frame({ model, el }, "scaling", {
    title: model.get("title") || TEXT.title,
    hint: TEXT.hint,
  });
  const controls = makeControls(model, shape);
  const histogram = new Chart({ label: TEXT.chartScores, xName: TEXT.score, yName: TEXT.many });
  const shares = new Chart({ label: TEXT.chartWeights, xName: TEXT.key, yName: TEXT.weight });
  const [scoresAre, weightsAre] = [html("p", { class: "cl-caption" }), html("p", { class: "cl-caption" })];
  const facts = factList(TEXT.facts);
  const verdict = html("p", { class: "cl-verdict" });
  body.append(
    controls.element,
    html(
      "div",
      { class: "cl-panels" },
      html("section", { class: "cl-panel" }, html("h4", {}, TEXT.scores), histogram.element, scoresAre),
      html("section", { class: "cl-panel" }, html("h4", {}, TEXT.weights), shares.element, weightsAre),
    ),
    facts.element,
    verdict,
  );

  function draw() {
    const [d, n, heat, who] = ["d_k", "num_keys", "temperature", "selected"].map((name) => model.get(name));
    const divisor = heat * (model.get("scaled") ? Math.sqrt(d) : 1);
    controls.draw();

    const shown = keys.slice(0, n).map((key) => key.subarray(0, d));
    const scores = queries.map((vector) => shown.map((key) => dot(key, vector) / divisor));
    const weights = scores.map((row) => softmax(row));
    const all = scores.flat();
    const spread = deviation(all);
    const end = roundedUp(Math.max(1, ...all.map(Math.abs)));
    const bins = binned(all, end);
    histogram.show({
      x: [-end, end],
      y: [0, Math.max(...bins.map((bin) => bin.height))],
      bars: bins.map((bin) => ({ ...bin, kind: "one" })),
    });
    shares.show({
      x: [0.5, n + 0.5],
      y: [0, 1],
      bars: weights[who].map((height, k) => ({ from: k + 0.6, to: k + 1.4, height, kind: "two" })),
    });
    const mean = (/** @type {(row: number[]) => number} */ of) =>
      weights.reduce((sum, row) => sum + of(row), 0) / weights.length;
    const found = {
      spread,
      largest: mean((row) => Math.max(...row)),
      entropy: mean(entropy),
      gradient: mean(jacobianNorm),
    };
    const words = {
      spread: readable(found.spread),
      largest: readable(found.largest),
      entropy: filled(TEXT.entropyOf, { entropy: readable(found.entropy), most: readable(Math.log(n)) }),
      gradient: found.gradient.toFixed(3),
    };
    facts.show(words);
    setText(scoresAre, filled(TEXT.scoresAre, { queries: shape.queries, keys: n, spread: words.spread }));
    setText(weightsAre, filled(TEXT.weightsAre, { query: who + 1 }));
    const state = found.largest > 0.8 ? "saturated" : found.entropy > 0.97 * Math.log(n) ? "flat" : "alive";
    if (n === 1) setText(verdict, "");
    else setText(verdict, TEXT.verdict[state]);
    root.dataset.state = state;
    announcer.say(`${TEXT.verdict[state]} ${TEXT.facts.largest}: ${words.largest}`);
    painted();
  }
  const stop = keepDrawn(model, ["d_k", "num_keys", "temperature", "selected", "scaled"], draw);
  return () => {
    stop();
    leave();
  };
}

/** Numbers as rows of so many. @param {Float32Array} numbers @param {number} width */
function rowsOf(numbers, width) {
  return Array.from({ length: numbers.length / width }, (_, row) => numbers.subarray(row * width, (row + 1) * width));
}

/** @param {any} model @param {{dimensions: number, keys: number, queries: number}} shape the most of each */
function makeControls(model, shape) {
  // Powers of two, and whatever the vectors have at most.
  const sizes = Array.from({ length: 11 }, (_, power) => 2 ** power).filter((size) => size < shape.dimensions);
  sizes.push(shape.dimensions);
  const nearest = (/** @type {number} */ d) => sizes.findIndex((size) => size >= d);
  const dimensions = slider({
    label: TEXT.dimensions,
    min: 0,
    max: sizes.length - 1,
    format: () => String(model.get("d_k")),
    change: (index) => put(model, "d_k", sizes[index]),
  });
  const count = slider({
    label: TEXT.keys,
    min: 1,
    max: shape.keys,
    change: (value) => put(model, "num_keys", value),
  });
  const temperature = slider({
    label: TEXT.temperature,
    min: -1,
    max: 1,
    step: 0.05,
    format: () => readable(model.get("temperature")),
    change: (power) => put(model, "temperature", Math.round(100 * 10 ** power) / 100),
  });
  const query = slider({
    label: TEXT.query,
    min: 1,
    max: shape.queries,
    change: (value) => put(model, "selected", value - 1),
  });
  const scale = toggle(TEXT.scale, (on) => put(model, "scaled", on));
  const shown = [dimensions, scale, count, temperature, query];
  return {
    element: html("div", { class: "cl-controls" }, ...shown.map(({ element }) => element)),
    draw() {
      dimensions.show(nearest(model.get("d_k")));
      count.show(model.get("num_keys"));
      temperature.show(Math.log10(model.get("temperature")));
      query.show(model.get("selected") + 1);
      scale.show(model.get("scaled"));
    },
  };
}

/** @param {number[]} numbers */
function deviation(numbers) {
  const mean = numbers.reduce((sum, x) => sum + x, 0) / numbers.length;
  return Math.sqrt(numbers.reduce((sum, x) => sum + (x - mean) ** 2, 0) / numbers.length);
}

/** @param {number[]} numbers @param {number} end */
function binned(numbers, end) {
  const width = (2 * end) / BINS;
  const counts = new Array(BINS).fill(0);
  for (const x of numbers) counts[Math.min(BINS - 1, Math.max(0, Math.floor((x + end) / width)))] += 1;
  return counts.map((height, bin) => ({ from: -end + bin * width, to: -end + (bin + 1) * width, height }));
}

export default { render };
