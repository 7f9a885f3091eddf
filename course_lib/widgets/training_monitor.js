// @ts-check
/** The page side of TrainingMonitor: the curve, the numbers, the example's attention, what the model writes, and two buttons. */
import { Chart } from "./kit/chart.js";
import { button, enable, factList } from "./kit/controls.js";
import { html, setText } from "./kit/elements.js";
import { filled, readable } from "./kit/format.js";
import { frame } from "./kit/frame.js";
import { HeatMap } from "./kit/heat_map.js";
import { floats, keepDrawn, put } from "./kit/model.js";
import { TextBox } from "./kit/text_box.js";

const TEXT = {
  title: "Training",
  hint: "Pause to look around, stop when it is good enough: the model stays usable either way, and can go on learning.",
  pause: "Pause",
  unheard: "Asked to pause. If nothing happens: this cell began before the monitor was on the page; stopping works.",
  asked: "Asked to continue. It does so once the kernel is free.",
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
  written: "What the model writes",
  when: "step {step}",
  own: { label: "Your text", example: "Type one at any time: the model answers as well as it can by then" },
  answer: "{text} → {answer}",
  unanswered:
    "No answer yet. If none comes: this cell began before the monitor was on the page, and then it comes at its end.",
  step: "step",
  facts: { loss: "loss", rate: "tokens a second", seconds: "time", left: "time left" },
  cell: "{query} attends to {key} with {weight}",
  chart: "Loss by step",
  metricChart: "What evaluation found, by step",
};
const PATIENCE = 1500; // milliseconds after which a stop counts as unheard, and twice as many a text
const KINDS = ["one", "two", "three", "four"];

const TRAITS = ["status", "points", "metrics", "labels", "weights", "error", "goes_on", "written", "tried"];

/** @typedef {{run: number, state: keyof typeof TEXT.states, step?: number, num_steps?: number, loss?: number, rate?: number,
 *   seconds?: number, left?: number}} Status */

/** @param {{model: any, el: HTMLElement}} host */
function render({ model, el }) {
  const { root, body, announcer, painted, leave } = frame({ model, el }, "training", {
    title: model.get("title") || TEXT.title,
    hint: TEXT.hint,
  });
  const wishes = new Wishes(model);
  const [progress, facts] = [makeProgress(model, wishes, () => draw()), factList(TEXT.facts)];
  const panels = [makeLosses(model), makeMetrics(model), makeExample(model)];
  const [trial, written] = [makeTrial(model, wishes), makeWritten(model)];
  const trouble = html("div", { class: "cl-trouble", role: "alert", hidden: true });
  body.append(
    progress.element,
    trouble,
    ...trial.elements,
    html("div", { class: "cl-panels" }, ...panels.map(({ element }) => element)),
    written.element,
    facts.element,
  );

  function draw() {
    const status = /** @type {Status} */ (model.get("status"));
    progress.draw();
    facts.show(factsOf(status));
    for (const part of [trial, ...panels, written]) part.draw();
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

/**
 * What is wished for a run, "run", "pause" or "stop", and one's own text: in models of their own, which are heard while the
 * cell runs.
 */
class Wishes {
  /** @type {any} */
  #control = null;
  /** @type {any} */
  #typed = null;
  #resumed = -1; // the run that was asked to go on after its stop

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
      if (isUnheard) this.#kernel?.interrupt?.();
    }, PATIENCE);
  }

  get #kernel() {
    return this.model.widget_manager?.kernel;
  }

  get canResume() {
    return this.model.get("goes_on") && Boolean(this.#control && this.#kernel?.requestExecute) && !this.isResumed;
  }

  get isResumed() {
    return this.#resumed === this.#run;
  }

  /**
   * Go on after a stop, as a cell of its own would: in the kernel's main thread, where an interruption is heard.
   * @param {() => void} draw
   */
  async resume(draw) {
    this.#resumed = this.#run;
    draw();
    const id = JSON.stringify(idOf(this.model, "control"));
    const code = `__import__("course_lib.widgets.training_monitor", fromlist=["resume"]).resume(${id})`;
    try {
      await this.#kernel.requestExecute({ code, silent: true, store_history: false }).done;
    } catch {
      // The kernel is gone; the frame says so.
    }
    this.#resumed = -1;
    draw();
  }

  get text() {
    return String(this.#typed?.get("value") ?? "");
  }

  /** @param {string} text */
  try(text) {
    if (this.#typed) put(this.#typed, "value", text);
  }

  /** @param {() => void} draw */
  async listen(draw) {
    [this.#control, this.#typed] = await Promise.all(
      ["control", "typed"].map((trait) => this.model.widget_manager.get_model(idOf(this.model, trait))),
    );
    for (const own of [this.#control, this.#typed]) {
      own.on("change:value", draw);
      // With a widget's first message from the page JupyterLab gives it a thread of its own in the kernel. Here it is, so
      // that buttons and box are heard while a cell runs.
      put(own, "placeholder", `${(Number(own.get("placeholder")) || 0) + 1}`);
    }
    draw();
  }

  /** @param {() => void} draw */
  leave(draw) {
    for (const own of [this.#control, this.#typed]) own?.off("change:value", draw);
  }
}

/** The id of another widget's model, as it stands in a trait. @param {any} model @param {string} trait */
function idOf(model, trait) {
  return String(model.get(trait)).replace("IPY_MODEL_", "");
}

/** Two buttons, and how far it is. @param {any} model @param {Wishes} wishes @param {() => void} redraw */
function makeProgress(model, wishes, redraw) {
  const pause = button(TEXT.pause, () => {
    if (model.get("status").state === "stopped") wishes.resume(redraw);
    else wishes.ask(wishes.now === "pause" ? "run" : "pause");
  });
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
      const [isOpen, isStopped] = [isGoing(status) && wish !== "stop", status.state === "stopped"];
      enable(pause, isStopped ? wishes.canResume : isOpen);
      enable(stop, isOpen);
      setText(pause, wish === "pause" || (isStopped && model.get("goes_on")) ? TEXT.go : TEXT.pause);
      const { step = 0, num_steps: steps = 0 } = status;
      const plain = filled(TEXT.states[status.state], { step, steps });
      const isUnheard = wish === "pause" && status.state === "running";
      setText(state, isUnheard ? TEXT.unheard : isStopped && wishes.isResumed ? TEXT.asked : plain);
      bar.value = step / (steps || 1);
      bar.hidden = status.state === "waiting";
    },
  };
}

/** A box for one's own text, and the model's answer. @param {any} model @param {Wishes} wishes */
function makeTrial(model, wishes) {
  const most = model.get("text_most");
  const box = new TextBox({ ...TEXT.own, most, send: (text) => wishes.try(text) });
  const answer = html("p", { class: "cl-answer", role: "status" });
  const isThere = most > 0 && model.hasKernel !== false;
  let asked = { text: "", at: 0 };
  return {
    elements: isThere ? [box.element, answer] : [],
    draw() {
      const tried = /** @type {{text: string, answer: string, error: string}} */ (model.get("tried"));
      box.show(wishes.text || tried.text);
      const isWaiting = wishes.text.trim() !== "" && wishes.text !== tried.text;
      if (asked.text !== wishes.text) asked = { text: wishes.text, at: performance.now() };
      const isUnheard =
        isWaiting && model.get("status").state === "running" && performance.now() - asked.at > 2 * PATIENCE;
      box.tell(isWaiting, tried.error);
      answer.hidden = !isUnheard && (!tried.text || tried.error !== "");
      setText(answer, isUnheard ? TEXT.unanswered : answer.hidden ? "" : filled(TEXT.answer, tried));
    },
  };
}

/** What the model wrote as it learnt, the latest first. @param {any} model */
function makeWritten(model) {
  const list = html("ol", { class: "cl-written", tabindex: 0, "aria-label": TEXT.written });
  const heading = html("h4", {}, TEXT.written);
  const element = html("section", { class: "cl-panel cl-written-panel", hidden: true }, heading, list);
  /** @type {unknown} */
  let drawn = null;
  return {
    element,
    draw() {
      const written = /** @type {[number, string][]} */ (model.get("written"));
      element.hidden = !written.length;
      if (drawn === written) return;
      drawn = written;
      const lines = written.map(([step, text]) =>
        html("li", {}, html("span", { class: "cl-caption" }, filled(TEXT.when, { step })), html("span", {}, text)),
      );
      list.replaceChildren(...lines.reverse());
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
