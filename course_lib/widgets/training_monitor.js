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

/** @param {{model: any, el: HTMLElement}} host */
function render({ model, el }) {
  const { root, body, announcer, painted, leave } = frame({ model, el }, "training", {
    title: model.get("title") || TEXT.title,
    hint: TEXT.hint,
  });
  /** @type {any} */
  let control = null;
  /** What was wished for this run: "run", "pause" or "stop". */
  const wished = () => {
    const [run, wish] = String(control?.get("value") ?? "").split(" ");
    return Number(run) === model.get("status").run ? wish : "run";
  };
  const ask = (/** @type {string} */ wish) => control && put(control, "value", `${model.get("status").run} ${wish}`);
  const pause = button(TEXT.pause, () => ask(wished() === "pause" ? "run" : "pause"));
  const stopButton = button(TEXT.stop, () => {
    const run = model.get("status").run;
    ask("stop");
    window.setTimeout(() => {
      const status = model.get("status");
      const unheard = status.run === run && status.state === "running";
      if (unheard) model.widget_manager.kernel?.interrupt?.();
    }, PATIENCE);
  });
  const state = html("b", { class: "cl-state" });
  const progress = /** @type {HTMLProgressElement} */ (html("progress", { class: "cl-progress", max: 1, value: 0 }));
  const facts = factList(TEXT.facts);
  const losses = new Chart({ label: TEXT.chart, xName: TEXT.step, yName: TEXT.loss });
  const metrics = new Chart({ label: TEXT.metricChart, xName: TEXT.step, yName: "" });
  const legend = html("p", { class: "cl-caption" });
  const metricPanel = html(
    "section",
    { class: "cl-panel", hidden: true },
    html("h4", {}, TEXT.metrics),
    metrics.element,
    legend,
  );
  const exampleMap = html("div");
  const examplePanel = html("section", { class: "cl-panel", hidden: true }, html("h4", {}, TEXT.example), exampleMap);
  const trouble = html("div", { class: "cl-trouble", role: "alert", hidden: true });
  body.append(
    html("div", { class: "cl-controls" }, ...(model.hasKernel === false ? [] : [pause, stopButton]), state, progress),
    trouble,
    html(
      "div",
      { class: "cl-panels" },
      html(
        "section",
        { class: "cl-panel" },
        html("h4", {}, TEXT.loss),
        losses.element,
        html("p", { class: "cl-caption" }, TEXT.lossIs),
      ),
      metricPanel,
      examplePanel,
    ),
    facts.element,
  );

  function drawLosses(/** @type {number} */ steps) {
    const flat = floats(model, "points");
    /** @type {[number, number][]} */
    const points = Array.from({ length: flat.length / 2 }, (_, i) => [flat[2 * i], flat[2 * i + 1]]);
    if (!points.length) return;
    const smooth = runningMean(points);
    const sizes = points.map(([, loss]) => loss).sort((a, b) => a - b);
    // The first steps may be far above the rest: the axis ends where nearly all are below.
    const top = Math.max(...smooth.map(([, loss]) => loss), sizes[Math.floor(0.98 * (sizes.length - 1))]);
    losses.show({
      x: [0, steps],
      y: [Math.min(0, sizes[0]), top * 1.05],
      lines: [
        { points, kind: "faint" },
        { points: smooth, kind: "one" },
      ],
    });
  }

  function drawMetrics(/** @type {number} */ steps) {
    const found = /** @type {Record<string, number>[]} */ (model.get("metrics"));
    metricPanel.hidden = !found.length;
    if (!found.length) return;
    const names = [...new Set(found.flatMap((one) => Object.keys(one)))].filter((name) => name !== "step");
    const values = found.flatMap((one) => names.map((name) => one[name])).filter(Number.isFinite);
    metrics.show({
      x: [0, steps],
      y: [Math.min(0, ...values), Math.max(...values, 1e-9) * 1.05],
      lines: names.map((name, index) => ({
        points: found.filter((one) => name in one).map((one) => [one.step, one[name]]),
        kind: KINDS[index % KINDS.length],
      })),
      dots: names.map((name, index) => {
        const last = found.filter((one) => name in one).pop() ?? { step: 0 };
        return { at: [last.step, last[name]], kind: KINDS[index % KINDS.length] };
      }),
    });
    legend.replaceChildren(
      ...names.map((name, index) => {
        const last = found.filter((one) => name in one).pop() ?? {};
        return html(
          "span",
          { class: `cl-key-name cl-${KINDS[index % KINDS.length]}` },
          `${name}: ${readable(last[name])}`,
        );
      }),
    );
  }

  /** @type {HeatMap | null} */
  let map = null;
  let named = "";
  function drawExample() {
    const [queries, keys] = model.get("labels").length ? model.get("labels") : [[], []];
    examplePanel.hidden = !queries.length;
    if (!queries.length) return;
    if (JSON.stringify(model.get("labels")) !== named) {
      named = JSON.stringify(model.get("labels"));
      map = new HeatMap({
        label: TEXT.example,
        rows: queries,
        columns: keys,
        tell: (q, k, weight) =>
          filled(TEXT.cell, { query: `“${queries[q]}”`, key: `“${keys[k]}”`, weight: readable(weight) }),
      });
      exampleMap.replaceChildren(map.element);
    }
    const flat = floats(model, "weights");
    const rows = Array.from({ length: queries.length }, (_, q) =>
      flat.subarray(q * keys.length, (q + 1) * keys.length),
    );
    map?.show(rows, { top: flat.reduce((most, weight) => Math.max(most, weight), 1e-9) });
  }

  function draw() {
    const status = model.get("status");
    const running = status.state === "running" || status.state === "paused";
    const wish = wished();
    for (const one of [pause, stopButton]) enable(one, running && wish !== "stop");
    setText(pause, wish === "pause" ? TEXT.go : TEXT.pause);
    const asked = wish === "pause" && status.state === "running";
    setText(
      state,
      asked
        ? TEXT.unheard
        : filled(TEXT.states[/** @type {keyof typeof TEXT.states} */ (status.state)], {
            step: status.step ?? 0,
            steps: status.num_steps ?? 0,
          }),
    );
    progress.value = (status.step ?? 0) / (status.num_steps || 1);
    progress.hidden = status.state === "waiting";
    const words = {
      loss: status.loss === undefined ? "–" : status.loss.toFixed(3),
      rate: status.rate === undefined ? "–" : Math.round(status.rate).toLocaleString("en"),
      seconds: status.seconds === undefined ? "–" : duration(status.seconds),
      left: status.left === undefined || !running ? "–" : duration(status.left),
    };
    facts.show(words);
    const steps = status.num_steps || 1;
    drawLosses(steps);
    drawMetrics(steps);
    drawExample();
    setText(trouble, model.get("error"));
    trouble.hidden = !model.get("error");
    if (root.dataset.state !== status.state) announcer.say(state.textContent ?? "");
    root.dataset.state = status.state;
    painted();
  }
  const traits = ["status", "points", "metrics", "labels", "weights", "error"];
  const stop = keepDrawn(model, traits, draw);
  const listen = async () => {
    const id = model.get("control").replace("IPY_MODEL_", "");
    control = await model.widget_manager.get_model(id);
    control.on("change:value", draw);
    // With a widget's first message from the page JupyterLab gives it a thread of its own in the kernel. Here it is, so
    // that the buttons are heard while a cell runs.
    put(control, "placeholder", `${Number(control.get("placeholder") || 0) + 1}`);
  };
  if (model.hasKernel !== false) listen();
  return () => {
    control?.off("change:value", draw);
    stop();
    leave();
  };
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
