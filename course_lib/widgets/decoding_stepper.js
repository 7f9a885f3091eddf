// @ts-check
/** The page side of DecodingStepper: candidates with their probabilities, the text so far, a beam's tree. */
import { samplingProbabilities, uniformNumbers } from "./compute.js";
import { button, enable, slider } from "./kit/controls.js";
import { html, setAttributes, setText, svg } from "./kit/elements.js";
import { filled, readable } from "./kit/format.js";
import { frame } from "./kit/frame.js";
import { floats, keepDrawn, put } from "./kit/model.js";

const TEXT = {
  title: "Which token comes next?",
  hint: "Click a candidate to take it, or let the model choose. Then turn temperature, top-k and top-p.",
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

/** @param {{model: any, el: HTMLElement}} host */
function render({ model, el }) {
  const vocabulary = /** @type {string[]} */ (model.get("vocabulary"));
  const source = /** @type {string[]} */ (model.get("source"));
  const { root, body, announcer, painted, leave } = frame({ model, el }, "decoding", {
    title: model.get("title") || TEXT.title,
    hint: TEXT.hint,
  });
  const next = uniformNumbers(model.get("seed"));
  const ids = () => /** @type {number[]} */ (model.get("ids"));
  const ended = () => ids().length > 0 && ids()[ids().length - 1] === model.get("end");
  const closed = () => ended() || ids().length >= model.get("most") || isWaiting();
  const isWaiting = () => JSON.stringify(model.get("answered")) !== JSON.stringify(ids());
  const take = (/** @type {number} */ id) => !closed() && put(model, "ids", [...ids(), id]);
  const words = (/** @type {number} */ id) => vocabulary[id].replaceAll(" ", TEXT.space).replaceAll("\n", TEXT.line);

  const likeliest = button(TEXT.likeliest, () => take(indexOfMost(probabilities)));
  const draw_ = button(TEXT.draw, () => {
    let left = next();
    const id = probabilities.findIndex((probability) => {
      left -= probability;
      return left < 0;
    });
    take(id < 0 ? indexOfMost(probabilities) : id);
  });
  const undo = button(TEXT.undo, () => put(model, "ids", ids().slice(0, -1)));
  const again = button(TEXT.again, () => put(model, "ids", []));
  const temperature = slider({
    label: TEXT.temperature,
    min: -1,
    max: 0.7,
    step: 0.05,
    format: () => readable(model.get("temperature")),
    change: (power) => put(model, "temperature", Math.round(100 * 10 ** power) / 100),
  });
  const mostK = Math.min(50, vocabulary.length);
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
  const list = html("ol", { class: "cl-candidates" });
  // Made once: a button that is replaced when it is pressed would lose the focus.
  const candidates = Array.from({ length: Math.min(SHOWN, vocabulary.length) }, (_, place) => {
    const [name, number, bar] = [
      html("code"),
      html("span", { class: "cl-pair-count" }),
      html("span", { class: "cl-pair-bar" }),
    ];
    const choice = html(
      "button",
      { type: "button", class: "cl-candidate", click: () => take(order[place]) },
      name,
      number,
      bar,
    );
    const line = html("li", {}, choice);
    list.append(line);
    return { line, choice, name, number, bar };
  });
  const rest = html("p", { class: "cl-caption" });
  const soFar = html("div", { class: "cl-tokens" });
  const state = html("p", { class: "cl-caption" });
  const sources = source.map((token) => html("span", { class: "cl-piece-plain" }, token));
  const trouble = html("div", { class: "cl-trouble", role: "alert", hidden: true });
  const tree = html("div", { class: "cl-tree-frame", tabindex: 0 });
  const treeName = html("h4");
  const treePanel = html(
    "section",
    { class: "cl-panel cl-tree-panel", hidden: true },
    treeName,
    tree,
    html("p", { class: "cl-caption" }, TEXT.treeHint),
  );
  body.append(
    trouble,
    html("div", { class: "cl-controls" }, likeliest, draw_, undo, again),
    html(
      "div",
      { class: "cl-controls" },
      temperature.element,
      topK.element,
      topP.element,
      ...(model.hasKernel === false ? [] : [beam.element]),
    ),
    html(
      "div",
      { class: "cl-panels" },
      html("section", { class: "cl-panel" }, html("h4", {}, TEXT.candidates), list, rest),
      html(
        "section",
        { class: "cl-panel" },
        html("h4", {}, TEXT.soFar),
        soFar,
        state,
        ...(source.length
          ? [html("p", { class: "cl-caption" }, TEXT.source), html("div", { class: "cl-tokens" }, ...sources)]
          : []),
      ),
    ),
    treePanel,
  );

  /** @type {number[]} */
  let probabilities = [];
  /** @type {number[]} */
  let order = []; // of all tokens, the likeliest first

  function drawCandidates() {
    const logits = floats(model, "logits");
    const options = {
      temperature: model.get("temperature"),
      topK: model.get("top_k") || null,
      topP: model.get("top_p"),
    };
    probabilities = logits.length ? samplingProbabilities(logits, options) : [];
    order = Array.from(logits, (_, id) => id).sort((a, b) => logits[b] - logits[a]);
    const shown = order.slice(0, SHOWN);
    candidates.forEach(({ line, choice, name, number, bar }, place) => {
      line.hidden = place >= shown.length;
      if (line.hidden) return;
      const id = shown[place];
      const probability = probabilities[id] > 0 && probabilities[id] < 0.005 ? "<0.01" : readable(probabilities[id]);
      setText(name, words(id));
      setText(number, probability);
      bar.style.width = `${100 * probabilities[id]}%`;
      choice.classList.toggle("cl-cut", !(probabilities[id] > 0));
      setAttributes(choice, { "aria-label": filled(TEXT.candidate, { token: words(id), probability }) });
      enable(choice, !closed());
    });
    const share = shown.reduce((left, id) => left - probabilities[id], 1);
    const cut = probabilities.filter((probability) => probability === 0).length;
    setText(
      rest,
      filled(TEXT.rest, {
        count: Math.max(0, logits.length - shown.length),
        probability: readable(Math.max(0, share)),
        cut,
        all: logits.length,
      }),
    );
  }

  function draw() {
    temperature.show(Math.log10(model.get("temperature")));
    topK.show(model.get("top_k") || mostK);
    topP.show(model.get("top_p"));
    beam.show(model.get("beam_width"));
    drawCandidates();
    const prompt = /** @type {number[]} */ (model.get("prompt"));
    soFar.replaceChildren(
      ...prompt.map((id) => html("span", { class: "cl-piece-plain" }, words(id))),
      ...ids().map((id) => html("span", { class: "cl-piece-plain cl-new" }, words(id))),
    );
    const alone = isWaiting() && model.hasKernel === false;
    setText(state, alone ? TEXT.alone : ended() ? TEXT.ended : ids().length >= model.get("most") ? TEXT.full : "");
    const weights = floats(model, "weights");
    sources.forEach((piece, index) => {
      piece.style.background = `color-mix(in srgb, var(--cl-key) ${80 * (weights[index] ?? 0)}%, var(--cl-panel))`;
      piece.title = readable(weights[index] ?? 0);
    });
    for (const one of [likeliest, draw_]) enable(one, !closed());
    for (const one of [undo, again]) enable(one, ids().length > 0);
    drawTree();
    setText(trouble, model.get("error"));
    trouble.hidden = !model.get("error");
    root.dataset.state = alone ? "alone" : isWaiting() ? "pending" : model.get("error") ? "error" : "ok";
    announcer.say(`${soFar.textContent}. ${list.firstChild?.textContent ?? ""}`);
    painted();
  }

  function drawTree() {
    const levels = /** @type {{parent: number, id: number, score: number, kept: boolean, ended: boolean}[][]} */ (
      model.get("tree")
    );
    treePanel.hidden = !levels.length;
    if (!levels.length) return;
    setText(treeName, filled(TEXT.tree, { width: model.get("beam_width") }));
    const [across, down] = [96, 30];
    const tallest = Math.max(...levels.map((level) => level.length));
    const at = (/** @type {number} */ level, /** @type {number} */ index) => [
      20 + (level + 1) * across,
      18 + index * down,
    ];
    const parts = levels.flatMap((level, depth) =>
      level.flatMap((node, index) => {
        const [x, y] = at(depth, index);
        const [px, py] = node.parent < 0 ? [16, 18] : at(depth - 1, node.parent);
        const faded = node.kept ? "" : " cl-let-go";
        return [
          svg("path", {
            class: `cl-branch${faded}`,
            d: `M ${px + 30} ${py} C ${x - 20} ${py}, ${px + 50} ${y}, ${x - 34} ${y}`,
          }),
          svg(
            "g",
            { class: `cl-node${faded}`, transform: `translate(${x} ${y})` },
            svg("rect", { x: -34, y: -12, width: 68, height: 24, rx: node.ended ? 1 : 9 }),
            svg("text", { y: -1, "text-anchor": "middle" }, Array.from(words(node.id)).slice(0, 9).join("")),
            svg("text", { class: "cl-score", y: 9, "text-anchor": "middle" }, readable(node.score)),
          ),
        ];
      }),
    );
    const [width, height] = [70 + (levels.length + 0.3) * across, 24 + tallest * down];
    tree.replaceChildren(svg("svg", { class: "cl-tree", width, height, viewBox: `0 0 ${width} ${height}` }, ...parts));
  }
  const traits = [
    "ids",
    "temperature",
    "top_k",
    "top_p",
    "beam_width",
    "logits",
    "weights",
    "tree",
    "answered",
    "error",
  ];
  const stop = keepDrawn(model, traits, draw);
  return () => {
    stop();
    leave();
  };
}

/** @param {number[]} numbers */
function indexOfMost(numbers) {
  let best = 0;
  for (let id = 1; id < numbers.length; id++) if (numbers[id] > numbers[best]) best = id;
  return best;
}

export default { render };
