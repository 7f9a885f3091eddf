// @ts-check
/** The page side of DecodingStepper: candidates with their probabilities, the text so far, a beam's tree. */
import { samplingProbabilities, uniformNumbers } from "./compute.js";
import { button, enable, slider } from "./kit/controls.js";
import { html, setAttributes, setText, svg } from "./kit/elements.js";
import { filled, readable } from "./kit/format.js";
import { frame } from "./kit/frame.js";
import { floats, keepDrawn, put } from "./kit/model.js";
import { ownTextBox, TEXT_TRAITS } from "./kit/text_box.js";

const TEXT = {
  title: "Which token comes next?",
  hint: "Click a candidate to take it, or let the model choose. Then turn temperature, top-k and top-p.",
  own: { label: "Your text", example: "Type one, and begin from it" },
  likeliest: "Take the likeliest",
  draw: "Draw one",
  undo: "Undo",
  again: "Start again",
  temperature: "temperature",
  topK: "top-k",
  topP: "top-p",
  beam: "beam width",
  all: "all",
  off: "off",
  candidates: "Candidates",
  candidate: "{token}, probability {probability}; take it",
  rest: "{count} more candidates share {probability}; {cut} of {all} are cut off.",
  soFar: "So far",
  source: "Source, the brighter the more it is attended to",
  tree: "What a beam of {width} keeps from here",
  treeHint: "Numbers: log-probability so far. Faded: looked at, and let go. Square: ended.",
  ended: "The end was taken: nothing follows.",
  full: "No more tokens fit.",
  alone: "Only Python knows what may follow, and this page has none. Undo leads back.",
  nothing: "nothing yet",
  space: "␣",
  line: "⏎",
};
const SHOWN = 12;
const [ACROSS, DOWN] = [96, 30]; // pixels from node to node of the tree
const SETTINGS = ["temperature", "top_k", "top_p", "beam_width"];
const ANSWERS = ["prompt", "source", "logits", "weights", "tree", "answered", "error"];
const TRAITS = ["ids", ...SETTINGS, ...ANSWERS, ...TEXT_TRAITS];

/** @param {{model: any, el: HTMLElement}} host */
function render({ model, el }) {
  const own = ownTextBox(model, TEXT.own);
  const text = new TextSoFar(model, own);
  const { root, body, announcer, painted, leave } = frame({ model, el }, "decoding", {
    title: model.get("title") || TEXT.title,
    hint: TEXT.hint,
  });
  const candidates = new Candidates(text);
  const [buttons, settings] = [makeButtons(text, candidates), makeSettings(text)];
  const [soFar, source, tree] = [makeSoFar(text), makeSource(model), makeTree(text)];
  const trouble = html("div", { class: "cl-trouble", role: "alert", hidden: true });
  body.append(
    ...own.elements,
    trouble,
    buttons.element,
    settings.element,
    html(
      "div",
      { class: "cl-panels" },
      html("section", { class: "cl-panel" }, html("h4", {}, TEXT.candidates), candidates.list, candidates.rest),
      html("section", { class: "cl-panel" }, html("h4", {}, TEXT.soFar), ...soFar.elements, source.element),
    ),
    tree.element,
  );

  function draw() {
    for (const part of [own, settings, candidates, soFar, source, buttons, tree]) part.draw();
    setText(trouble, model.get("error"));
    trouble.hidden = !model.get("error");
    const isWrong = model.get("error") || model.get("text_error");
    root.dataset.state = text.isAlone ? "alone" : text.isWaiting ? "pending" : isWrong ? "error" : "ok";
    announcer.say(`${soFar.tokens.textContent}. ${candidates.list.firstChild?.textContent ?? ""}`);
    painted();
  }
  const stop = keepDrawn(model, TRAITS, draw);
  return () => {
    stop();
    leave();
  };
}

/** The tokens so far, and whether more may follow. */
class TextSoFar {
  /** @param {any} model @param {{isWaiting: boolean}} own */
  constructor(model, own) {
    this.model = model;
    this.own = own;
    this.vocabulary = /** @type {string[]} */ (model.get("vocabulary"));
  }

  get ids() {
    return /** @type {number[]} */ (this.model.get("ids"));
  }

  get hasEnded() {
    return this.ids.length > 0 && this.ids[this.ids.length - 1] === this.model.get("end");
  }

  get isFull() {
    return this.ids.length >= this.model.get("most");
  }

  /** Whether Python has not said yet what may follow. */
  get isWaiting() {
    return this.own.isWaiting || JSON.stringify(this.model.get("answered")) !== JSON.stringify(this.ids);
  }

  /** Whether Python never will, as there is none. */
  get isAlone() {
    return this.isWaiting && this.model.hasKernel === false;
  }

  get isClosed() {
    return this.hasEnded || this.isFull || this.isWaiting;
  }

  /** @param {number} id */
  take(id) {
    if (!this.isClosed) put(this.model, "ids", [...this.ids, id]);
  }

  /** A token as it is shown. @param {number} id */
  words(id) {
    return this.vocabulary[id].replaceAll(" ", TEXT.space).replaceAll("\n", TEXT.line);
  }
}

/** @param {TextSoFar} text @param {Candidates} candidates */
function makeButtons(text, candidates) {
  const { model } = text;
  const next = uniformNumbers(model.get("seed"));
  const taking = [
    button(TEXT.likeliest, () => text.take(indexOfMost(candidates.probabilities))),
    button(TEXT.draw, () => text.take(drawn(candidates.probabilities, next()))),
  ];
  const leading = [
    button(TEXT.undo, () => put(model, "ids", text.ids.slice(0, -1))),
    button(TEXT.again, () => put(model, "ids", [])),
  ];
  return {
    element: html("div", { class: "cl-controls" }, ...taking, ...leading),
    draw() {
      for (const one of taking) enable(one, !text.isClosed);
      for (const one of leading) enable(one, text.ids.length > 0);
    },
  };
}

/** @param {TextSoFar} text */
function makeSettings({ model, vocabulary }) {
  const mostK = Math.min(50, vocabulary.length);
  const temperature = slider({
    label: TEXT.temperature,
    min: -1,
    max: 0.7,
    step: 0.05,
    format: () => readable(model.get("temperature")),
    change: (power) => put(model, "temperature", Math.round(100 * 10 ** power) / 100),
  });
  const topK = slider({
    label: TEXT.topK,
    min: 1,
    max: mostK,
    format: () => String(model.get("top_k") || TEXT.all),
    change: (value) => put(model, "top_k", value === mostK ? 0 : value),
  });
  const topP = slider({
    label: TEXT.topP,
    min: 0.05,
    max: 1,
    step: 0.05,
    format: readable,
    change: (value) => put(model, "top_p", value),
  });
  const beam = slider({
    label: TEXT.beam,
    min: 0,
    max: 5,
    format: (value) => (value ? String(value) : TEXT.off),
    change: (value) => put(model, "beam_width", value),
  });
  const shown = [temperature, topK, topP, ...(model.hasKernel === false ? [] : [beam])];
  return {
    element: html("div", { class: "cl-controls" }, ...shown.map(({ element }) => element)),
    draw() {
      temperature.show(Math.log10(model.get("temperature")));
      topK.show(model.get("top_k") || mostK);
      topP.show(model.get("top_p"));
      beam.show(model.get("beam_width"));
    },
  };
}

/** The likeliest tokens, each to be taken. */
class Candidates {
  /** @param {TextSoFar} text */
  constructor(text) {
    this.text = text;
    /** @type {number[]} */
    this.probabilities = [];
    /** @type {number[]} */
    this.order = []; // of all tokens, the likeliest first
    // Made once: a button that is replaced when it is pressed would lose the focus.
    this.lines = Array.from({ length: Math.min(SHOWN, text.vocabulary.length) }, (_, place) =>
      makeCandidate(() => text.take(this.order[place])),
    );
    this.list = html("ol", { class: "cl-candidates" }, ...this.lines.map(({ line }) => line));
    this.rest = html("p", { class: "cl-caption" });
  }

  draw() {
    const { model } = this.text;
    const logits = floats(model, "logits");
    const options = {
      temperature: model.get("temperature"),
      topK: model.get("top_k") || null,
      topP: model.get("top_p"),
    };
    this.probabilities = logits.length ? samplingProbabilities(logits, options) : [];
    this.order = Array.from(logits, (_, id) => id).sort((a, b) => logits[b] - logits[a]);
    this.lines.forEach((_, place) => this.#drawLine(place));
    const shown = this.order.slice(0, SHOWN);
    const share = shown.reduce((left, id) => left - this.probabilities[id], 1);
    const values = {
      count: Math.max(0, logits.length - shown.length),
      probability: readable(Math.max(0, share)),
      cut: this.probabilities.filter((probability) => probability === 0).length,
      all: logits.length,
    };
    setText(this.rest, filled(TEXT.rest, values));
  }

  /** @param {number} place */
  #drawLine(place) {
    const { text, probabilities } = this;
    const { line, choice, name, number, bar } = this.lines[place];
    line.hidden = place >= this.order.length;
    if (line.hidden) return;
    const id = this.order[place];
    const probability = probabilities[id] > 0 && probabilities[id] < 0.005 ? "<0.01" : readable(probabilities[id]);
    setText(name, text.words(id));
    setText(number, probability);
    bar.style.width = `${100 * probabilities[id]}%`;
    choice.classList.toggle("cl-cut", !(probabilities[id] > 0));
    setAttributes(choice, { "aria-label": filled(TEXT.candidate, { token: text.words(id), probability }) });
    enable(choice, !text.isClosed);
  }
}

/** @param {() => void} click */
function makeCandidate(click) {
  const [name, number] = [html("code"), html("span", { class: "cl-pair-count" })];
  const bar = html("span", { class: "cl-pair-bar" });
  const choice = html("button", { type: "button", class: "cl-candidate", click }, name, number, bar);
  return { line: html("li", {}, choice), choice, name, number, bar };
}

/** @param {TextSoFar} text */
function makeSoFar(text) {
  const [tokens, state] = [html("div", { class: "cl-tokens" }), html("p", { class: "cl-caption" })];
  const piece = (/** @type {number} */ id, kind = "") =>
    html("span", { class: `cl-piece-plain${kind}` }, text.words(id));
  return {
    elements: [tokens, state],
    tokens,
    draw() {
      const prompt = /** @type {number[]} */ (text.model.get("prompt"));
      tokens.replaceChildren(...prompt.map((id) => piece(id)), ...text.ids.map((id) => piece(id, " cl-new")));
      setText(state, text.isAlone ? TEXT.alone : text.hasEnded ? TEXT.ended : text.isFull ? TEXT.full : "");
    },
  };
}

/** What is translated, the brighter the more it is attended to; nothing where there is no source. @param {any} model */
function makeSource(model) {
  const pieces = html("div", { class: "cl-tokens" });
  const element = html("div", {}, html("p", { class: "cl-caption" }, TEXT.source), pieces);
  return {
    element,
    draw() {
      const source = /** @type {string[]} */ (model.get("source"));
      const weights = floats(model, "weights");
      element.hidden = !source.length;
      pieces.replaceChildren(
        ...source.map((token, index) => {
          const piece = html("span", { class: "cl-piece-plain", title: readable(weights[index] ?? 0) }, token);
          piece.style.background = `color-mix(in srgb, var(--cl-key) ${80 * (weights[index] ?? 0)}%, var(--cl-panel))`;
          return piece;
        }),
      );
    },
  };
}

/** @typedef {{parent: number, id: number, score: number, kept: boolean, ended: boolean}} Node */

/** What a beam keeps, level by level. @param {TextSoFar} text */
function makeTree(text) {
  const { model } = text;
  const [name, place] = [html("h4"), html("div", { class: "cl-tree-frame", tabindex: 0 })];
  const hint = html("p", { class: "cl-caption" }, TEXT.treeHint);
  const element = html("section", { class: "cl-panel cl-tree-panel", hidden: true }, name, place, hint);
  return {
    element,
    draw() {
      const levels = /** @type {Node[][]} */ (model.get("tree"));
      element.hidden = !levels.length;
      if (!levels.length) return;
      setText(name, filled(TEXT.tree, { width: model.get("beam_width") }));
      const parts = levels.flatMap((level, depth) => level.flatMap((_, index) => drawNode(text, levels, depth, index)));
      const tallest = Math.max(...levels.map((level) => level.length));
      const [width, height] = [70 + (levels.length + 0.3) * ACROSS, 24 + tallest * DOWN];
      const box = { class: "cl-tree", width, height, viewBox: `0 0 ${width} ${height}` };
      place.replaceChildren(svg("svg", box, ...parts));
    },
  };
}

/** Where a node of the tree lies. @param {number} depth @param {number} index */
function nodeAt(depth, index) {
  return [20 + (depth + 1) * ACROSS, 18 + index * DOWN];
}

/** A node, and the branch that leads to it. @param {TextSoFar} text @param {Node[][]} levels @param {number} depth @param {number} index */
function drawNode(text, levels, depth, index) {
  const node = levels[depth][index];
  const [x, y] = nodeAt(depth, index);
  const [px, py] = node.parent < 0 ? [16, 18] : nodeAt(depth - 1, node.parent);
  const faded = node.kept ? "" : " cl-let-go";
  const curve = `M ${px + 30} ${py} C ${x - 20} ${py}, ${px + 50} ${y}, ${x - 34} ${y}`;
  return [
    svg("path", { class: `cl-branch${faded}`, d: curve }),
    svg(
      "g",
      { class: `cl-node${faded}`, transform: `translate(${x} ${y})` },
      svg("rect", { x: -34, y: -12, width: 68, height: 24, rx: node.ended ? 1 : 9 }),
      svg("text", { y: -1, "text-anchor": "middle" }, Array.from(text.words(node.id)).slice(0, 9).join("")),
      svg("text", { class: "cl-score", y: 9, "text-anchor": "middle" }, readable(node.score)),
    ),
  ];
}

/** The token that a number from 0 to 1 falls on. @param {number[]} probabilities @param {number} number */
function drawn(probabilities, number) {
  let left = number;
  const id = probabilities.findIndex((probability) => {
    left -= probability;
    return left < 0;
  });
  return id < 0 ? indexOfMost(probabilities) : id;
}

/** @param {number[]} numbers */
function indexOfMost(numbers) {
  let best = 0;
  for (let id = 1; id < numbers.length; id++) if (numbers[id] > numbers[best]) best = id;
  return best;
}

export default { render };
