// @ts-check
/**
 * The page side of AttentionPlayground, up to a dozen tokens; more are shown by attention_crowd.js.
 *
 * `state` (vectors, mask, seq) is drawn at once. With the library's function the page computes the rest in the same frame,
 * and tells Python when the hand rests: every message makes JupyterLab paint its busy signs, which costs more than our
 * picture. With a learner's, every state is sent, weights and context come back as `answer` for `answered`, and ipywidgets
 * holds back newer states while one is unanswered and then sends only the latest.
 */
import { crowd } from "./attention_crowd.js";
import { attention, attentionOfChanged, causalMask, scaledScores, scaledScoresOfChanged } from "./compute.js";
import { cividis } from "./kit/colours.js";
import { choiceButtons, numberInput } from "./kit/controls.js";
import { html, setAttributes, setText, svg } from "./kit/elements.js";
import { filled, readable, readableVector, shortened } from "./kit/format.js";
import { frame } from "./kit/frame.js";
import { Matrix } from "./kit/matrix.js";
import { Plane, tipGlyph } from "./kit/plane.js";
import { atLeisure } from "./kit/timing.js";

const STAGES = /** @type {const} */ (["scores", "scaled", "masked", "weights", "context"]);

// All that a reader sees; names in braces are filled in.
const TEXT = {
  stage: {
    scores: {
      name: "Scores",
      formula: "query · key",
      words:
        "Every query meets every key: multiply number by number, then add. " +
        "Long arrows that point the same way score high.",
      plane: "Each key dropped onto the line of “{who}”: the further along its query, the higher the score.",
      cell: "score of query {query} with key {key}: {number}",
    },
    scaled: {
      name: "Scaled",
      formula: "score / √d_k",
      words: "Divide by √d_k = √{d} = {root}, so that more dimensions do not simply mean bigger scores.",
      plane: "Each key dropped onto the line of “{who}”. Scaling shrinks all scores alike: their order stays.",
      cell: "scaled score of query {query} with key {key}: {number}",
    },
    masked: {
      name: "Masked",
      formula: "may it look? else −∞",
      words:
        "Where a query may not look, its score becomes −∞. Click a cell, or press Space on it, to hide or show a key.",
      plane: "Faded keys are hidden from “{who}” by the mask.",
      cell: "{query} may look at {key}, scaled score {number}; press Space to hide it",
      hiddenCell: "{query} may not look at {key}; press Space to show it",
    },
    weights: {
      name: "Weights",
      formula: "softmax over the keys",
      words: "e to the power of each score, divided by the sum of its row: every row becomes shares that add up to 1.",
      plane: "The bigger the disc around a key, the more “{who}” attends to it.",
      cell: "{query} attends to {key} with weight {number}",
    },
    context: {
      name: "Context",
      formula: "weights × values",
      words:
        "Each query takes from every value its share and adds them up: " +
        "a vector of its own, mixed from what it attends to.",
      plane: "The bigger the disc around a key, the more “{who}” takes of its value.",
      cell: "context of {query}, dimension {key}: {number}",
    },
  },
  who: "Who is looking?",
  compare: "Compare",
  mix: "Mix",
  comparePlane: "Plane of queries and keys: arrows to drag, or to move with the arrow keys",
  mixPlane: "Plane of values, to drag or to move with the arrow keys, and of the context vectors they give",
  mixHint:
    "Thin steps: weight × value, laid tip to tail. They end at the context of “{who}”. " +
    "Shaded: all that weights can reach.",
  mixStale: "The last context vectors that worked.",
  mixWaiting: "The context appears here once the attention function works.",
  kinds: { queries: "query", keys: "key", values: "value" },
  vectorOf: "{kind} of {token}",
  show: "Show and move",
  both: "both",
  numbers: "Numbers",
  numberOf: "{kind} of {token}, dimension {d}",
  presets: "Examples",
  reset: "Reset",
  mask: "Mask",
  masks: { none: "none", causal: "causal" },
  steps: "Steps of attention",
  queryRows: "rows: queries",
  keyColumns: "columns: keys",
  dimensionColumns: "columns: dimensions",
  sum: "sum",
  runs: "Weights and context by",
  stale: "The last picture that worked:",
  nothingYet: "No weights yet: they come from the function above.",
  waiting: "Python is computing …",
  winner: "★ wins",
  kept: "may look: the score stays",
  hidden: "{score} is hidden: it becomes",
  total: "together",
  contextOf: "context of {who}",
  gave: "{expected}; the function gave",
  wins: "“{who}” attends most to “{key}”: {weight}.",
  attendsToNothing: "“{who}” attends to nothing: every key is hidden.",
  failed: "The attention function failed. {error}",
  noPython: "Only Python can run {name}, and this page has none: weights and context stay as they were.",
};

const FEW = 12; // up to here every token has arrows and every cell its number

/** @typedef {(typeof STAGES)[number]} Stage */
/** @typedef {"queries" | "keys" | "values"} Kind */
/** @typedef {{queries: number[][], keys: number[][], values: number[][], mask: string[], seq: number}} State */
/** @typedef {{scores: number[][], scaled: number[][], weights: number[][], context: number[][]}} Numbers */
/** @typedef {Numbers & {state: State, works: boolean}} Picture */
/** @typedef {ReturnType<typeof makeSession>} Session */
/** @typedef {typeof TEXT} Text */

/** @param {{model: any, el: HTMLElement}} host */
function render(host) {
  const session = makeSession(host.model);
  return session.tokens.length > FEW ? crowd(host, session, TEXT) : few(host, session);
}

/** What is being computed, and what is looked at. @param {any} model */
function makeSession(model) {
  const tokens = /** @type {string[]} */ (model.get("tokens"));
  const start = /** @type {State} */ (model.get("starting_state"));
  const [n, dK, dV] = [tokens.length, start.queries[0].length, start.values[0].length];
  const { read, write } = makeReader();
  const state = () => read(model.get("state"));
  /** @type {WeakMap<string[], boolean[][]>} */
  const masks = new WeakMap();
  const open = Array.from({ length: n }, () => new Array(n).fill(true));
  /** @type {Picture} */
  let picture;

  /** Who may attend to whom in a state. @param {State} of */
  function allowed(of) {
    if (!of.mask.length) return open;
    const known = masks.get(of.mask);
    if (known) return known;
    const mask = of.mask.map((row) => Array.from(row, (letter) => letter === "1"));
    masks.set(of.mask, mask);
    return mask;
  }

  function compute() {
    const now = state();
    const { queries, keys, values } = now;
    const mask = now.mask.length ? allowed(now) : undefined;
    const then = picture?.state;
    const numbers =
      then && then.keys === keys && then.values === values && then.mask === now.mask
        ? attentionOfChanged(picture, then.queries, queries, keys, values, mask)
        : attention(queries, keys, values, mask);
    picture = { ...numbers, state: now, works: true };
  }

  function readAnswer() {
    const view = /** @type {DataView} */ (model.get("answer"));
    const all = new Float32Array(view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength));
    let from = 0;
    const take = (/** @type {number} */ width) =>
      Array.from({ length: n }, () => {
        const row = new Array(width);
        for (let at = 0; at < width; at++) row[at] = all[from++];
        return row;
      });
    const then = read(model.get("answered"));
    const before = picture?.state;
    const scores =
      before?.keys === then.keys
        ? scaledScoresOfChanged(picture, before.queries, then.queries, then.keys)
        : scaledScores(then.queries, then.keys);
    const works = model.get("error") === "";
    picture = { ...scores, weights: take(n), context: take(dV), state: then, works };
  }

  const tell = atLeisure(() => model.save_changes(), 150, 1000);
  const renew = () => (model.get("in_page") ? compute() : readAnswer());
  renew();
  const session = {
    model,
    tokens,
    n,
    dK,
    dV,
    start,
    state,
    allowed,
    picture: () => picture,
    /** Whether there are weights at all: a learner's function may not have worked yet. */
    has: () => !Number.isNaN(picture.weights[0][0]),
    selected: () => /** @type {number} */ (model.get("selected")),
    stage: () => /** @type {Stage} */ (model.get("stage")),
    /** @param {Partial<State>} changes */
    put(changes) {
      model.set("state", write({ ...state(), ...changes, seq: state().seq + 1 }));
      if (model.get("in_page")) tell();
      else model.save_changes();
    },
    /** @param {Kind} kind @param {number} index @param {number[]} vector */
    move(kind, index, vector) {
      session.put({ [kind]: state()[kind].map((old, at) => (at === index ? vector : old)) });
    },
    /** @param {boolean[][]} mask */
    putMask(mask) {
      const isOpen = mask.every((row) => row.every(Boolean));
      session.put({ mask: isOpen ? [] : mask.map((row) => row.map((may) => (may ? "1" : "0")).join("")) });
    },
    /** @param {number} q @param {number} k */
    toggle(q, k) {
      const mask = allowed(state()).map((row) => row.slice());
      mask[q][k] = !mask[q][k];
      session.putMask(mask);
    },
    /** @param {string} trait @param {any} value */
    look(trait, value) {
      if (model.get(trait) === value) return;
      model.set(trait, value);
      model.save_changes();
    },
    /** Which of the mask's buttons is pressed. */
    maskName() {
      if (!state().mask.length) return "none";
      const mask = allowed(state());
      return mask.every((row, q) => row.every((may, k) => may === k <= q)) ? "causal" : null;
    },
    maskButtons: () =>
      choiceButtons(
        TEXT.mask,
        [
          ["none", TEXT.masks.none],
          ["causal", TEXT.masks.causal],
        ],
        (name) => session.putMask(name === "causal" ? causalMask(n) : open),
      ),
    /** A button for each example, and which of them the present state is. */
    presetButtons() {
      const presets = /** @type {Record<string, Partial<State>>} */ (model.get("presets"));
      const names = Object.keys(presets);
      const buttons = choiceButtons(
        TEXT.presets,
        names.map((name) => [name, name]),
        (name) => session.put(presets[name]),
      );
      const fits = (/** @type {any} */ parts, /** @type {any} */ now) =>
        Object.keys(parts).every(
          (part) =>
            parts[part].length === now[part].length &&
            parts[part].every(
              (/** @type {any} */ row, /** @type {number} */ at) => String(row) === String(now[part][at]),
            ),
        );
      return {
        elements: names.length ? [buttons.element] : [],
        show: () => buttons.show(names.find((name) => fits(presets[name], state())) ?? null),
      };
    },
    /**
     * Keep a view in step: vectors at once, everything else when its answer is there.
     * @param {{vectors: () => void, answer: () => void, waiting: () => void}} draw
     */
    follow({ vectors, answer, waiting }) {
      const onState = () => {
        // Python gets the new state first, and works while the page draws; still in this frame.
        queueMicrotask(() => {
          vectors();
          if (!model.get("in_page")) {
            waiting();
            return;
          }
          compute();
          answer();
        });
      };
      const onAnswer = () => {
        const then = read(model.get("answered"));
        if (model.get("in_page")) {
          if (then.seq > state().seq) model.set("state", write(then)); // moved on another page of this kernel
          return;
        }
        readAnswer();
        if (then.seq > state().seq) model.set("state", write(then));
        answer();
      };
      model.on("change:state", onState);
      model.on("change:answered", onAnswer);
      for (const trait of ["stage", "selected", "focus"]) model.on(`change:${trait}`, answer);
      vectors();
      answer();
      return () => {
        model.off("change:state", onState);
        model.off("change:answered", onAnswer);
        for (const trait of ["stage", "selected", "focus"]) model.off(`change:${trait}`, answer);
      };
    },
    /** Whether the picture is that of the present vectors; note it on the root. @param {HTMLElement} root */
    mark(root) {
      const behind = picture.state.seq < state().seq;
      root.dataset.state = behind ? (model.hasKernel === false ? "alone" : "pending") : picture.works ? "ok" : "error";
    },
    waitingWords: () =>
      model.hasKernel === false ? filled(TEXT.noPython, { name: model.get("function") }) : TEXT.waiting,
    words() {
      const who = session.selected();
      const row = picture.weights[who];
      if (!picture.works) return filled(TEXT.failed, { error: model.get("error") });
      if (!row.some((weight) => weight > 0)) return filled(TEXT.attendsToNothing, { who: tokens[who] });
      const winner = winnerOf(row);
      return filled(TEXT.wins, { who: tokens[who], key: tokens[winner], weight: readable(row[winner]) });
    },
  };
  return session;
}

/**
 * States travel as text, which costs a twentieth of nested lists on the way through ipywidgets. The newest ones are kept as
 * read, so that what has not changed is the same array, too.
 */
function makeReader() {
  /** @type {Map<string, State>} */
  const known = new Map();
  function remember(/** @type {string} */ text, /** @type {State} */ state) {
    known.set(text, state);
    for (const old of known.keys()) if (known.size > 4) known.delete(old);
    return state;
  }
  return {
    read: (/** @type {string} */ text) => known.get(text) ?? remember(text, JSON.parse(text)),
    write(/** @type {State} */ state) {
      const text = JSON.stringify(state);
      remember(text, state);
      return text;
    },
  };
}

const winnerOf = (/** @type {number[]} */ row) => row.indexOf(Math.max(...row));

/** @param {{model: any, el: HTMLElement}} host @param {Session} session */
function few({ model, el }, session) {
  const { tokens, n, dK, dV, start, state, allowed, selected, stage, put, look, has, toggle: togglePair } = session;
  const { root, head, body, announcer, leave } = frame({ model, el }, "playground", { title: model.get("title") });
  let moving = false; // under a hand the axes stay as they are
  const moveVector = (/** @type {Kind} */ kind, /** @type {number} */ index, /** @type {number[]} */ vector) => {
    moving = true;
    session.move(kind, index, vector);
  };

  // --- the head: who is looking, examples, reset ---

  const chips = tokens.map((token, index) => {
    const share = html("span", { class: "cl-share" });
    const chip = html(
      "button",
      {
        type: "button",
        class: "cl-token",
        title: token,
        "aria-pressed": "false",
        click: () => look("selected", index),
      },
      html("span", { class: "cl-word" }, token),
      share,
    );
    return { chip, share };
  });
  const presetButtons = session.presetButtons();
  head.append(
    html(
      "div",
      { class: "cl-sentence", role: "group", "aria-label": TEXT.who },
      html("span", { class: "cl-hint" }, TEXT.who),
      ...chips.map(({ chip }) => chip),
    ),
    html(
      "div",
      { class: "cl-tools" },
      ...presetButtons.elements,
      html(
        "button",
        { type: "button", class: "cl-button", "data-choice": "reset", click: () => put(start) },
        TEXT.reset,
      ),
    ),
  );

  // --- the steps, each with a small live map ---

  const steps = STAGES.map((name, index) => {
    const width = name === "context" ? dV : n;
    const cells = Array.from({ length: n }, (_, row) =>
      Array.from({ length: width }, (_, column) => svg("rect", { x: column, y: row, width: 0.94, height: 0.94 })),
    );
    const map = svg("svg", { class: "cl-thumb", viewBox: `0 0 ${width} ${n}`, "aria-hidden": "true" }, ...cells.flat());
    const button = html(
      "button",
      { type: "button", class: "cl-step", "data-stage": name, click: () => look("stage", name) },
      map,
      html("span", { class: "cl-step-name" }, html("b", {}, `${index + 1}`), ` ${TEXT.stage[name].name}`),
      html("span", { class: "cl-step-formula" }, TEXT.stage[name].formula),
    );
    return { name, button, cells };
  });
  const stepper = html("nav", { class: "cl-steps", "aria-label": TEXT.steps }, ...steps.map(({ button }) => button));
  const trouble = html("div", { class: "cl-trouble", role: "alert", hidden: true });

  // --- vectors: planes where there are two dimensions, numbers always ---

  const farthest = (/** @type {Kind[]} */ kinds) =>
    Math.max(...kinds.flatMap((kind) => state()[kind].flat().map(Math.abs)));
  const compare = makeCompare();
  const mix = makeMix();

  function makeCompare() {
    if (dK !== 2) return null;
    const plane = new Plane(TEXT.comparePlane);
    const line = svg("line", { class: "cl-direction" });
    const drops = tokens.map(() => svg("line", { class: "cl-drop" }));
    const feet = tokens.map(() => svg("circle", { class: "cl-foot", r: 3.4 }));
    const discs = tokens.map(() => svg("circle", { class: "cl-disc" }));
    plane.under.append(line, ...drops, ...discs);
    const arrows = (/** @type {"queries" | "keys"} */ kind, /** @type {"circle" | "square"} */ shape) =>
      tokens.map((label, index) =>
        plane.addArrow({
          kind: TEXT.kinds[kind],
          shape,
          label,
          name: filled(TEXT.vectorOf, { kind: TEXT.kinds[kind], token: label }),
          move: (point) => moveVector(kind, index, point),
          grab: kind === "queries" ? () => look("selected", index) : undefined,
        }),
      );
    const [keys, queries] = [arrows("keys", "square"), arrows("queries", "circle")];
    plane.arrows.append(...feet);
    return { plane, line, drops, feet, discs, keys, queries };
  }

  function makeMix() {
    if (dV !== 2) return null;
    const plane = new Plane(TEXT.mixPlane);
    const hull = svg("path", { class: "cl-hull" });
    const discs = tokens.map(() => svg("circle", { class: "cl-disc" }));
    const chain = svg("path", { class: "cl-chain" });
    const joints = tokens.map(() => svg("circle", { class: "cl-joint", r: 2.2 }));
    plane.under.append(hull, ...discs);
    const values = tokens.map((label, index) =>
      plane.addArrow({
        kind: "value",
        shape: "triangle",
        label,
        name: filled(TEXT.vectorOf, { kind: TEXT.kinds.values, token: label }),
        move: (point) => moveVector("values", index, point),
      }),
    );
    const context = tokens.map((label) =>
      plane.addArrow({ kind: "context", shape: "diamond", label, name: filled(TEXT.contextOf, { who: label }) }),
    );
    plane.arrows.append(chain, ...joints);
    return { plane, hull, discs, chain, joints, values, context };
  }

  /** Inputs for one kind of vectors: the way without dragging, and the only one where there are not two dimensions. */
  function numberTable(/** @type {Kind} */ kind) {
    const inputs = tokens.map((token, index) =>
      start[kind][0].map((/** @type {number} */ _, /** @type {number} */ d) =>
        numberInput({
          label: filled(TEXT.numberOf, { kind: TEXT.kinds[kind], token, d: d + 1 }),
          read: () => state()[kind][index][d],
          change: (value) =>
            moveVector(
              kind,
              index,
              state()[kind][index].map((old, at) => (at === d ? value : old)),
            ),
          focus: () => kind === "queries" && look("selected", index),
        }),
      ),
    );
    const element = html(
      "div",
      { class: `cl-numbers cl-${TEXT.kinds[kind]}` },
      html("div", { class: "cl-numbers-name" }, tipGlyph(TEXT.kinds[kind], GLYPHS[kind]), kind),
      ...inputs.map((row, index) =>
        html(
          "div",
          { class: "cl-numbers-row" },
          html("span", { class: "cl-numbers-token", title: tokens[index] }, tokens[index]),
          ...row.map(({ input }) => input),
        ),
      ),
    );
    return { element, show: () => inputs.flat().forEach(({ show }) => show()) };
  }
  const tables = { queries: numberTable("queries"), keys: numberTable("keys"), values: numberTable("values") };
  const numbers = (/** @type {Kind[]} */ kinds, /** @type {boolean} */ open) =>
    html(
      "details",
      { class: "cl-details", open },
      html("summary", {}, TEXT.numbers),
      html("div", { class: "cl-tables" }, ...kinds.map((kind) => tables[kind].element)),
    );

  const face = (/** @type {"queries" | "keys"} */ kind) =>
    html("span", {}, tipGlyph(TEXT.kinds[kind], GLYPHS[kind]), kind);
  const focusButtons = choiceButtons(
    TEXT.show,
    [
      ["all", TEXT.both],
      ["queries", face("queries")],
      ["keys", face("keys")],
    ],
    (key) => look("focus", key),
  );
  const compareHint = html("p", { class: "cl-caption" });
  const mixHint = html("p", { class: "cl-caption" });
  const comparePanel = html(
    "section",
    { class: "cl-panel cl-compare", "aria-label": TEXT.compare },
    html("div", { class: "cl-panel-head" }, html("h4", {}, TEXT.compare), ...(compare ? [focusButtons.element] : [])),
    ...(compare ? [compare.plane.element, compareHint] : []),
    numbers(["queries", "keys"], !compare),
  );
  const legend = (/** @type {string} */ kind, /** @type {any} */ shape, /** @type {string} */ name) =>
    html("span", { class: "cl-legend" }, tipGlyph(kind, shape), name);
  const mixPanel = html(
    "section",
    { class: "cl-panel cl-mix", "aria-label": TEXT.mix },
    html(
      "div",
      { class: "cl-panel-head" },
      html("h4", {}, TEXT.mix),
      html("div", {}, legend("value", "triangle", "values"), legend("context", "diamond", "context")),
    ),
    ...(mix ? [mix.plane.element, mixHint] : []),
    numbers(["values"], !mix),
  );

  // --- the matrix of the step, and the arithmetic of one row ---

  const hovered = { key: 0 };
  const go = (/** @type {number} */ row, /** @type {number} */ column) => {
    hovered.key = column;
    look("selected", row);
    markKey();
  };
  const toggle = (/** @type {number} */ row, /** @type {number} */ column) => {
    if (stage() === "masked") togglePair(row, column);
  };
  const square = new Matrix({
    label: "",
    rows: tokens,
    columns: tokens,
    rowKind: "query",
    columnKind: "key",
    go,
    act: toggle,
  });
  const wide = new Matrix({
    label: TEXT.stage.context.name,
    rows: tokens,
    columns: Array.from({ length: dV }, (_, d) => `${d + 1}`),
    rowKind: "query",
    columnKind: "value",
    go,
  });
  const sums = tokens.map(() => html("div", { class: "cl-sum", "aria-hidden": "true" }));
  const sumHead = html("div", { class: "cl-sum-head", "aria-hidden": "true" }, TEXT.sum);
  square.element.querySelectorAll(".cl-row").forEach((row, index) => row.append(index ? sums[index - 1] : sumHead));
  const maskButtons = session.maskButtons();
  const words = html("p", { class: "cl-words" });
  const stageName = html("h4");
  const staleMark = html("p", { class: "cl-stale-mark" }, TEXT.stale);
  const nothing = html("p", { class: "cl-nothing" }, TEXT.nothingYet);
  const columns = {
    keys: legend("key", "square", TEXT.keyColumns),
    dimensions: legend("value", "triangle", TEXT.dimensionColumns),
  };
  const functionName = html("code");
  const notes = html("ul", { class: "cl-notes" });
  const weighPanel = html(
    "section",
    { class: "cl-panel cl-weigh", "aria-live": "off" },
    html(
      "div",
      { class: "cl-panel-head" },
      stageName,
      html("div", { class: "cl-mask-tools" }, html("span", { class: "cl-hint" }, TEXT.mask), maskButtons.element),
    ),
    words,
    staleMark,
    nothing,
    html("div", { class: "cl-matrix-frame" }, square.element, wide.element),
    html("div", { class: "cl-axes" }, legend("query", "circle", TEXT.queryRows), ...Object.values(columns)),
    notes,
    html("p", { class: "cl-function" }, `${TEXT.runs} `, functionName),
  );
  const lines = html("div", { class: "cl-lines" });
  const arithmetic = html("section", { class: "cl-panel cl-arithmetic" }, lines);
  const waiting = html("div", { class: "cl-waiting", "aria-hidden": "true" });
  root.classList.toggle("cl-many", n > 7);
  body.append(
    stepper,
    trouble,
    html("div", { class: "cl-board" }, comparePanel, weighPanel, mixPanel, arithmetic),
    waiting,
  );
  const longest = Math.max(...tokens.map((token) => token.length));
  root.style.setProperty("--cl-row-label", `${Math.min(86, Math.max(36, 8 * longest + 14))}px`);
  root.style.setProperty("--cl-cell", `${n <= 3 ? 52 : n <= 5 ? 42 : n <= 8 ? 34 : 28}px`);
  // --- drawing: vectors at once, everything else when its answer is there ---

  function drawVectors() {
    const now = state();
    const fresh = !moving;
    moving = false;
    if (compare) {
      compare.plane.fit(farthest(["queries", "keys"]), fresh);
      compare.keys.forEach((arrow, index) => arrow.put(now.keys[index]));
      compare.queries.forEach((arrow, index) => arrow.put(now.queries[index]));
    }
    if (mix) {
      mix.plane.fit(farthest(["values"]), fresh);
      mix.values.forEach((arrow, index) => arrow.put(now.values[index]));
    }
    Object.values(tables).forEach((table) => table.show());
    if (!model.get("in_page")) drawPlanes(); // else the answer is about to do it
    presetButtons.show();
    maskButtons.show(session.maskName());
  }

  function drawPlanes() {
    drawCompare();
    drawMix();
  }

  function drawCompare() {
    if (!compare) return;
    const { plane, line, drops, feet, discs } = compare;
    const [who, now, focus] = [selected(), state(), model.get("focus")];
    const mask = allowed(now);
    const measuring = !["weights", "context"].includes(stage());
    const query = now.queries[who];
    const length = Math.hypot(query[0], query[1]);
    const far = length ? (plane.extent * 1.5) / length : 0;
    const [from, to] = [plane.pixel(query.map((x) => -x * far)), plane.pixel(query.map((x) => x * far))];
    setAttributes(line, { x1: from[0], y1: from[1], x2: to[0], y2: to[1] });
    line.style.display = measuring ? "" : "none";
    const picture = session.picture();
    const row = has() ? picture.weights[who] : tokens.map(() => 0);
    tokens.forEach((_, index) => {
      const key = now.keys[index];
      const visible = stage() !== "masked" || mask[who][index];
      const along = length ? (key[0] * query[0] + key[1] * query[1]) / length ** 2 : 0;
      const [kx, ky] = plane.pixel(key);
      const [fx, fy] = plane.pixel(query.map((x) => x * along));
      setAttributes(drops[index], { x1: kx, y1: ky, x2: fx, y2: fy });
      setAttributes(feet[index], { cx: fx, cy: fy });
      for (const element of [drops[index], feet[index]])
        element.style.display = measuring && visible && length ? "" : "none";
      setAttributes(discs[index], { cx: kx, cy: ky, r: discRadius(row[index]) });
      discs[index].style.display = measuring ? "none" : "";
      compare.keys[index].group.classList.toggle("cl-faded", focus === "queries" || !visible);
      compare.keys[index].group.classList.toggle("cl-off", focus === "queries");
      compare.queries[index].group.classList.toggle("cl-faded", focus === "keys" || (focus === "all" && index !== who));
      compare.queries[index].group.classList.toggle("cl-off", focus === "keys");
      compare.queries[index].group.classList.toggle("cl-selected", index === who);
      setAttributes(compare.keys[index].tip, { tabindex: focus === "queries" ? -1 : 0 });
      setAttributes(compare.queries[index].tip, { tabindex: focus === "keys" ? -1 : 0 });
      compare.keys[index].shown = focus !== "queries";
      compare.queries[index].shown = focus === "queries" || (focus === "all" && (index === who || n <= 6));
      compare.queries[index].text.classList.toggle("cl-faded", focus === "all" && index !== who);
    });
    plane.placeLabels([compare.queries[who], ...compare.keys, ...compare.queries.filter((_, index) => index !== who)]);
    setText(compareHint, filled(TEXT.stage[stage()].plane, { who: shortened(tokens[who], 16) }));
    focusButtons.show(focus);
  }

  function drawMix() {
    if (!mix) return;
    const { plane, hull, discs, chain, joints } = mix;
    const [who, now] = [selected(), state()];
    const picture = session.picture();
    const row = has() ? picture.weights[who] : tokens.map(() => 0);
    const corners = convexHull(now.values).map((point) => plane.pixel(point).join(" "));
    setAttributes(hull, { d: `M ${corners.join(" L ")} Z` });
    let end = [0, 0];
    let path = `M ${plane.pixel(end).join(" ")}`;
    tokens.forEach((_, index) => {
      const [x, y] = plane.pixel(now.values[index]);
      setAttributes(discs[index], { cx: x, cy: y, r: discRadius(row[index]) });
      end = end.map((at, axis) => at + row[index] * picture.state.values[index][axis]);
      const [jx, jy] = plane.pixel(end);
      path += ` L ${jx} ${jy}`;
      setAttributes(joints[index], { cx: jx, cy: jy });
      mix.values[index].shown = true;
      const arrow = mix.context[index];
      arrow.group.style.display = has() ? "" : "none";
      arrow.group.classList.toggle("cl-selected", index === who);
      arrow.group.classList.toggle("cl-faded", index !== who);
      arrow.shown = has() && index === who;
      if (has()) arrow.put(picture.context[index]);
    });
    chain.setAttribute("d", path);
    for (const element of [chain, ...joints]) element.style.display = picture.works ? "" : "none";
    plane.placeLabels([mix.context[who], ...mix.values, ...mix.context.filter((_, index) => index !== who)]);
    setText(
      mixHint,
      !has()
        ? TEXT.mixWaiting
        : picture.works
          ? filled(TEXT.mixHint, { who: shortened(tokens[who], 16) })
          : TEXT.mixStale,
    );
  }

  function numbersOf(/** @type {Stage} */ name) {
    const { scores, scaled, weights, context } = session.picture();
    return { scores, scaled, masked: scaled, weights, context }[name];
  }

  /** A step's numbers as shares of its brightest colour: one scale for all three kinds of scores; NaN stays empty. */
  function sharesOf(/** @type {Stage} */ name) {
    const picture = session.picture();
    if (name === "weights") return picture.weights;
    const mask = allowed(picture.state);
    const most = Math.max(1e-9, ...(name === "context" ? picture.context : picture.scores).flat().map(Math.abs));
    return numbersOf(name).map((row, q) =>
      row.map((value, k) => (name === "masked" && !mask[q][k] ? NaN : 0.5 + value / most / 2)),
    );
  }

  /** A step's numbers as cells. @returns {import("./kit/matrix.js").Cell[][]} */
  function cellsOf(/** @type {Stage} */ name) {
    const mask = allowed(session.picture().state);
    const shares = sharesOf(name);
    return numbersOf(name).map((row, q) => {
      const best = name === "weights" ? Math.max(...row) : NaN;
      return row.map((value, k) => {
        const hidden = (name === "masked" || name === "weights") && !mask[q][k];
        const text = Number.isNaN(value) ? "" : name === "masked" && hidden ? "−∞" : readable(value);
        return {
          ...(Number.isNaN(shares[q][k]) ? {} : cividis(shares[q][k])),
          text,
          state: hidden ? "hidden" : value === best && best > 0 ? "winner" : "",
          name: filled(name === "masked" && hidden ? TEXT.stage.masked.hiddenCell : TEXT.stage[name].cell, {
            query: tokens[q],
            key: name === "context" ? k + 1 : tokens[k],
            number: text,
          }),
        };
      });
    });
  }

  function drawAnswer() {
    const [now, who, picture] = [stage(), selected(), session.picture()];
    const mask = allowed(picture.state);
    const late = now === "weights" || now === "context";
    for (const { name, button, cells } of steps) {
      const fill = (/** @type {number} */ share) => (Number.isNaN(share) ? "var(--cl-empty)" : cividis(share).fill);
      sharesOf(name).forEach((row, q) => row.forEach((share, k) => setAttributes(cells[q][k], { fill: fill(share) })));
      button.toggleAttribute("data-stale", !picture.works && (name === "weights" || name === "context"));
      setAttributes(button, { "aria-current": name === now && "step" });
    }
    (now === "context" ? wide : square).show(cellsOf(now), who);
    square.element.style.display = now === "context" ? "none" : "";
    wide.element.style.display = now === "context" ? "" : "none";
    setAttributes(square.element, { "aria-label": TEXT.stage[now].name });
    square.element.classList.toggle("cl-toggles", now === "masked");
    square.element.classList.toggle("cl-with-sums", now === "weights");
    picture.weights.forEach((row, q) => {
      const total = row.reduce((sum, weight) => sum + weight, 0);
      const expected = mask[q].some(Boolean) ? 1 : 0;
      setText(sums[q], readable(total));
      sums[q].classList.toggle("cl-wrong", Math.abs(total - expected) > 1e-3);
    });
    setText(stageName, TEXT.stage[now].name);
    setText(words, filled(TEXT.stage[now].words, { d: dK, root: readable(Math.sqrt(dK)) }));
    columns.keys.style.display = now === "context" ? "none" : "";
    columns.dimensions.style.display = now === "context" ? "" : "none";
    setText(functionName, model.get("function"));
    staleMark.hidden = picture.works || !late || !has();
    nothing.hidden = !late || has();
    weighPanel.classList.toggle("cl-stale", !picture.works && late);
    mixPanel.classList.toggle("cl-stale", !picture.works);
    setText(trouble, model.get("error"));
    trouble.hidden = picture.works;
    notes.replaceChildren(
      ...(late && picture.works ? model.get("notes").map((/** @type {string} */ note) => html("li", {}, note)) : []),
    );
    chips.forEach(({ chip, share }, index) => {
      setAttributes(chip, { "aria-pressed": String(index === who) });
      const weight = has() ? Math.min(1, Math.max(0, picture.weights[who][index])) : 0;
      share.style.backgroundSize = `${weight * 100}% 100%`; // unlike a width, never laid out anew
    });
    drawArithmetic();
    drawPlanes();
    root.dataset.paintedSeq = String(picture.state.seq);
    showWaiting();
    announcer.say(session.words());
  }

  function showWaiting() {
    session.mark(root);
    setText(waiting, session.waitingWords());
  }

  /** Lines of [what, how, result] for the selected row: the sum that a learner would write down. */
  function arithmeticOf() {
    const picture = session.picture();
    const { state: then, scores, scaled, weights, context } = picture;
    const mask = allowed(then);
    const who = selected();
    const root_d = readable(Math.sqrt(dK));
    const pair = (/** @type {number} */ k) => `${shortened(tokens[who])} · ${shortened(tokens[k])}`;
    const score = (/** @type {number} */ k) => (mask[who][k] ? readable(scaled[who][k]) : "−∞");
    /** @type {[string, string, string][]} */
    let rows = [];
    /** @type {[string, string, string] | null} */
    let sum = null;
    if (stage() === "scores") {
      rows = tokens.map((_, k) => [
        pair(k),
        `= ${then.queries[who].map((q, d) => `${factor(q)}×${factor(then.keys[k][d])}`).join(" + ")}`,
        readable(scores[who][k]),
      ]);
    } else if (stage() === "scaled") {
      rows = tokens.map((_, k) => [pair(k), `= ${readable(scores[who][k])} / ${root_d}`, readable(scaled[who][k])]);
    } else if (stage() === "masked") {
      rows = tokens.map((_, k) => [
        pair(k),
        mask[who][k] ? TEXT.kept : filled(TEXT.hidden, { score: readable(scaled[who][k]) }),
        score(k),
      ]);
    } else if (!picture.works) {
      rows = []; // older weights do not follow from the scores of now
    } else if (stage() === "weights") {
      const top = Math.max(...scaled[who].filter((_, k) => mask[who][k]));
      const powers = scaled[who].map((x, k) => (mask[who][k] ? Math.exp(x - top) : 0));
      const all = powers.reduce((total, power) => total + power, 0);
      // The sum is written with plain exponentials where they are readable; the shares are the same without the maximum.
      const [shift, lift] = Math.abs(top) < 7 ? ["", Math.exp(top)] : [` − ${readable(top)}`, 1];
      rows = tokens.map((_, k) => {
        const expected = all ? powers[k] / all : 0;
        const got = weights[who][k];
        const other =
          Math.abs(expected - got) > 2e-3 ? ` = ${filled(TEXT.gave, { expected: readable(expected) })}` : "";
        const mark = k === winnerOf(weights[who]) && got > 0 ? ` ${TEXT.winner}` : "";
        const power = mask[who][k] ? `e^(${score(k)}${shift})` : "e^(−∞)";
        return [
          `${shortened(tokens[who])} → ${shortened(tokens[k])}`,
          `= ${power} / sum = ${readable(powers[k] * lift)} / ${readable(all * lift)}${other}`,
          `${readable(got)}${mark}`,
        ];
      });
      sum = [
        TEXT.total,
        `= ${weights[who].map(readable).join(" + ")}`,
        readable(weights[who].reduce((total, weight) => total + weight, 0)),
      ];
    } else {
      rows = tokens.map((_, k) => [
        shortened(tokens[k]),
        `= ${readable(weights[who][k])} × ${readableVector(then.values[k])}`,
        readableVector(then.values[k].map((x) => x * weights[who][k])),
      ]);
      sum = [filled(TEXT.contextOf, { who: shortened(tokens[who]) }), "", readableVector(context[who])];
    }
    return { rows, sum };
  }

  function drawArithmetic() {
    const { rows, sum } = arithmeticOf();
    const wanted = [...rows, ...(sum ? [sum] : [])];
    while (lines.children.length > wanted.length) lines.lastElementChild?.remove();
    while (lines.children.length < wanted.length)
      lines.append(
        html(
          "div",
          { class: "cl-line-of-sum" },
          html("span", { class: "cl-what" }),
          html("span", { class: "cl-how" }),
          html("span", { class: "cl-result" }),
        ),
      );
    wanted.forEach(([what, how, result], index) => {
      const [a, b, c] = lines.children[index].children;
      setText(a, what);
      setText(b, how);
      setText(c, `= ${result}`);
      lines.children[index].classList.toggle("cl-total", sum !== null && index === wanted.length - 1);
    });
    arithmetic.hidden = wanted.length === 0;
    markKey();
  }

  function markKey() {
    Array.from(lines.children).forEach((line, k) =>
      line.classList.toggle(
        "cl-marked",
        stage() !== "context" && k === hovered.key && square.element.matches(":focus-within"),
      ),
    );
  }

  const stop = session.follow({ vectors: drawVectors, answer: drawAnswer, waiting: showWaiting });
  return () => {
    stop();
    leave();
  };
}

const GLYPHS = /** @type {const} */ ({ queries: "circle", keys: "square", values: "triangle" });

/** A factor in a product: negative numbers in brackets. @param {number} value */
function factor(value) {
  return value < 0 ? `(${readable(value)})` : readable(value);
}

/** The area of a disc is the weight. @param {number} weight */
function discRadius(weight) {
  return weight > 0 ? 7 + 24 * Math.sqrt(Math.min(1, weight)) : 0;
}

/** The corners of the smallest convex region around points (Andrew's monotone chain). @param {number[][]} points */
function convexHull(points) {
  const sorted = [...points].sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  const turn = (/** @type {number[]} */ o, /** @type {number[]} */ a, /** @type {number[]} */ b) =>
    (a[0] - o[0]) * (b[1] - o[1]) - (a[1] - o[1]) * (b[0] - o[0]);
  const half = (/** @type {number[][]} */ ordered) => {
    /** @type {number[][]} */
    const corners = [];
    for (const point of ordered) {
      while (corners.length > 1 && turn(corners[corners.length - 2], corners[corners.length - 1], point) <= 0)
        corners.pop();
      corners.push(point);
    }
    return corners;
  };
  return [...half(sorted).slice(0, -1), ...half(sorted.reverse()).slice(0, -1)].concat(
    sorted.length === 1 ? sorted : [],
  );
}

export default { render };
