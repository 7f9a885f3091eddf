// @ts-check
/** The page side of TrainingMonitor: the curve, the numbers, the example's attention, and two buttons. */
import { Chart } from "./kit/chart.js";
import { button, enable, factList } from "./kit/controls.js";
import { html, setText } from "./kit/elements.js";
import { filled, readable } from "./kit/format.js";
import { frame } from "./kit/frame.js";
import { HeatMap } from "./kit/heat_map.js";
import { floats, keepDrawn, put } from "./kit/model.js";

const TEXT = {
  title: "Training",
  hint: "Pause to look around, stop when it is good enough: the model stays usable either way.",
  pause: "Pause",
  unheard: "Asked to pause. If nothing happens: this cell began before the monitor was on the page; stopping works.",
  go: "Continue",
  stop: "Stop",
  states: {
    waiting: "Waiting for fit(…, watch=monitor).",
    running: "Step {step} of {steps}",
    paused: "Paused after step {step} of {steps}",
    stopped: "Stopped after step {step} of {steps}",
    done: "Done: {step} steps",
  },
  loss: "Loss",
  lossIs: "Thin: every step. Thick: a running mean.",
  metrics: "Evaluation",
  example: "Attention of the example",
  step: "step",
  facts: { loss: "loss", rate: "tokens a second", seconds: "time", left: "time left" },
  cell: "{query} attends to {key} with {weight}",
  chart: "Loss by step",
  metricChart: "What evaluation found, by step",
};
const PATIENCE = 1500; // milliseconds after which a stop counts as unheard
const KINDS = ["one", "two", "three", "four"];

const TRAITS = ["status", "points", "metrics", "labels", "weights", "error"];

/** @typedef {{run: number, state: keyof typeof TEXT.states, step?: number, num_steps?: number, loss?: number, rate?: number,
 *   seconds?: number, left?: number}} Status */

/** @param {{model: any, el: HTMLElement}} host */
function render({ model, el }) {
  const { root, body, announcer, painted, leave } = frame({ model, el }, "training", {
    title: model.get("title") || TEXT.title,
    hint: TEXT.hint,
  });
  const wishes = new Wishes(model);
  const [progress, facts] = [makeProgress(model, wishes), factList(TEXT.facts)];
  const [losses, metrics, example] = [makeLosses(model), makeMetrics(model), makeExample(model)];
  const trouble = html("div", { class: "cl-trouble", role: "alert", hidden: true });
  body.append(
    progress.element,
    trouble,
    html("div", { class: "cl-panels" }, losses.element, metrics.element, example.element),
    facts.element,
  );

  function draw() {
    const status = /** @type {Status} */ (model.get("status"));
    progress.draw();
    facts.show(factsOf(status));
    losses.draw();
    metrics.draw();
    example.draw();
    setText(trouble, model.get("error"));
    trouble.hidden = !model.get("error");
    if (root.dataset.state !== status.state) announcer.say(progress.state.textContent ?? "");
    root.dataset.state = status.state;
    painted();
  }
  const stop = keepDrawn(model, TRAITS, draw);
  if (model.hasKernel !== false) wishes.listen(draw);
  return () => {
    wishes.leave(draw);
    stop();
    leave();
  };
}

/** What is wished for a run, "run", "pause" or "stop": in a model of its own, which is heard while the cell runs. */
class Wishes {
  /** @type {any} */
  #control = null;

  /** @param {any} model */
  constructor(model) {
    this.model = model;
  }

  /** @returns {number} */
  get #run() {
    return this.model.get("status").run;
  }

  get now() {
    const [run, wish] = String(this.#control?.get("value") ?? "").split(" ");
    return Number(run) === this.#run ? wish : "run";
  }

  /** @param {string} wish */
  ask(wish) {
    if (this.#control) put(this.#control, "value", `${this.#run} ${wish}`);
  }

  /** Ask to stop; a run that does not hear it is interrupted. */
  stop() {
    const run = this.#run;
    this.ask("stop");
    window.setTimeout(() => {
      const isUnheard = this.#run === run && this.model.get("status").state === "running";
      if (isUnheard) this.model.widget_manager.kernel?.interrupt?.();
    }, PATIENCE);
  }

  /** @param {() => void} draw */
  async listen(draw) {
    const id = this.model.get("control").replace("IPY_MODEL_", "");
    this.#control = await this.model.widget_manager.get_model(id);
    this.#control.on("change:value", draw);
    // With a widget's first message from the page JupyterLab gives it a thread of its own in the kernel. Here it is, so
    // that the buttons are heard while a cell runs.
    put(this.#control, "placeholder", `${(Number(this.#control.get("placeholder")) || 0) + 1}`);
  }

  /** @param {() => void} draw */
  leave(draw) {
    this.#control?.off("change:value", draw);
  }
}

/** Two buttons, and how far it is. @param {any} model @param {Wishes} wishes */
function makeProgress(model, wishes) {
  const pause = button(TEXT.pause, () => wishes.ask(wishes.now === "pause" ? "run" : "pause"));
  const stop = button(TEXT.stop, () => wishes.stop());
  const state = html("b", { class: "cl-state" });
  const bar = /** @type {HTMLProgressElement} */ (html("progress", { class: "cl-progress", max: 1, value: 0 }));
  const buttons = model.hasKernel === false ? [] : [pause, stop];
  return {
    element: html("div", { class: "cl-controls" }, ...buttons, state, bar),
    state,
    draw() {
      const status = /** @type {Status} */ (model.get("status"));
      const wish = wishes.now;
      for (const one of [pause, stop]) enable(one, isGoing(status) && wish !== "stop");
      setText(pause, wish === "pause" ? TEXT.go : TEXT.pause);
      const isUnheard = wish === "pause" && status.state === "running";
      const { step = 0, num_steps: steps = 0 } = status;
      setText(state, isUnheard ? TEXT.unheard : filled(TEXT.states[status.state], { step, steps }));
      bar.value = step / (steps || 1);
      bar.hidden = status.state === "waiting";
    },
  };
}

/** @param {Status} status */
function isGoing({ state }) {
  return state === "running" || state === "paused";
}

/** @param {Status} status */
function factsOf(status) {
  return {
    loss: status.loss === undefined ? "–" : status.loss.toFixed(3),
    rate: status.rate === undefined ? "–" : Math.round(status.rate).toLocaleString("en"),
    seconds: status.seconds === undefined ? "–" : duration(status.seconds),
    left: status.left === undefined || !isGoing(status) ? "–" : duration(status.left),
  };
}

/** @param {any} model */
function makeLosses(model) {
  const chart = new Chart({ label: TEXT.chart, xName: TEXT.step, yName: TEXT.loss });
  const caption = html("p", { class: "cl-caption" }, TEXT.lossIs);
  return {
    element: html("section", { class: "cl-panel" }, html("h4", {}, TEXT.loss), chart.element, caption),
    draw() {
      const flat = floats(model, "points");
      /** @type {[number, number][]} */
      const points = Array.from({ length: flat.length / 2 }, (_, i) => [flat[2 * i], flat[2 * i + 1]]);
      if (!points.length) return;
      const smooth = runningMean(points);
      const sizes = points.map(([, loss]) => loss).sort((a, b) => a - b);
      // The first steps may be far above the rest: the axis ends where nearly all are below.
      const top = Math.max(...smooth.map(([, loss]) => loss), sizes[Math.floor(0.98 * (sizes.length - 1))]);
      chart.show({
        x: [0, stepsOf(model)],
        y: [Math.min(0, sizes[0]), top * 1.05],
        lines: [
          { points, kind: "faint" },
          { points: smooth, kind: "one" },
        ],
      });
    },
  };
}

/** @param {any} model */
function makeMetrics(model) {
  const chart = new Chart({ label: TEXT.metricChart, xName: TEXT.step, yName: "" });
  const legend = html("p", { class: "cl-caption" });
  const heading = html("h4", {}, TEXT.metrics);
  const element = html("section", { class: "cl-panel", hidden: true }, heading, chart.element, legend);
  return {
    element,
    draw() {
      const found = /** @type {Record<string, number>[]} */ (model.get("metrics"));
      element.hidden = !found.length;
      if (!found.length) return;
      const names = [...new Set(found.flatMap((one) => Object.keys(one)))].filter((name) => name !== "step");
      const curves = names.map((name, index) => {
        const having = found.filter((one) => name in one);
        const points = having.map((one) => /** @type {[number, number]} */ ([one.step, one[name]]));
        return { name, points, kind: KINDS[index % KINDS.length] };
      });
      const values = curves.flatMap(({ points }) => points.map(([, value]) => value)).filter(Number.isFinite);
      chart.show({
        x: [0, stepsOf(model)],
        y: [Math.min(0, ...values), Math.max(...values, 1e-9) * 1.05],
        lines: curves,
        dots: curves.map(({ points, kind }) => ({ at: points[points.length - 1], kind })),
      });
      const words = curves.map(({ name, points }) => `${name}: ${readable(points[points.length - 1][1])}`);
      legend.replaceChildren(
        ...curves.map(({ kind }, index) => html("span", { class: `cl-key-name cl-${kind}` }, words[index])),
      );
    },
  };
}

/** @param {any} model */
function stepsOf(model) {
  return model.get("status").num_steps || 1;
}

/** Where the example's tokens look; the map is made anew when its labels have changed. @param {any} model */
function makeExample(model) {
  const place = html("div");
  const element = html("section", { class: "cl-panel", hidden: true }, html("h4", {}, TEXT.example), place);
  /** @type {HeatMap | null} */
  let map = null;
  let named = "";
  return {
    element,
    draw() {
      /** @type {[string[], string[]]} */
      const [queries, keys] = model.get("labels").length ? model.get("labels") : [[], []];
      element.hidden = !queries.length;
      if (!queries.length) return;
      if (JSON.stringify([queries, keys]) !== named) {
        named = JSON.stringify([queries, keys]);
        map = makeMap(queries, keys);
        place.replaceChildren(map.element);
      }
      const flat = floats(model, "weights");
      const rows = queries.map((_, q) => flat.subarray(q * keys.length, (q + 1) * keys.length));
      map?.show(rows, { top: flat.reduce((most, weight) => Math.max(most, weight), 1e-9) });
    },
  };
}

/** @param {string[]} queries @param {string[]} keys */
function makeMap(queries, keys) {
  const tell = (/** @type {number} */ q, /** @type {number} */ k, /** @type {number} */ weight) =>
    filled(TEXT.cell, { query: `“${queries[q]}”`, key: `“${keys[k]}”`, weight: readable(weight) });
  return new HeatMap({ label: TEXT.example, rows: queries, columns: keys, tell });
}

/** @param {[number, number][]} points @returns {[number, number][]} */
function runningMean(points) {
  let mean = points[0][1];
  return points.map(([step, loss], index) => {
    mean += (loss - mean) * Math.max(0.05, 1 / (index + 1));
    return [step, mean];
  });
}

/** @param {number} seconds */
function duration(seconds) {
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

export default { render };
