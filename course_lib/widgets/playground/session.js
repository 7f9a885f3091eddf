// @ts-check
/**
 * What is being computed, and what is looked at: one session for each view of a playground.
 *
 * The state (vectors, mask, seq) is drawn at once. With the library's function the page computes the rest in the same frame,
 * and tells Python when the hand rests: every message makes JupyterLab paint its busy signs, which costs more than our
 * picture. With a learner's, every state is sent, weights and context come back as `answer` for `answered`, and ipywidgets
 * holds back newer states while one is unanswered and then sends only the latest.
 */
import { filled, readable } from "../kit/format.js";
import { floats } from "../kit/model.js";
import { atLeisure } from "../kit/timing.js";
import { answered, computed, maskFrom, maskName, maskRows, winnerOf } from "./numbers.js";
import { TEXT } from "./texts.js";

/** @typedef {import("./numbers.js").State} State */
/** @typedef {import("./numbers.js").Picture} Picture */
/** @typedef {import("./texts.js").Kind} Kind */
/** @typedef {import("./texts.js").Stage} Stage */

const LOOKED_AT = ["stage", "selected", "focus"];

export class Session {
  /** @type {WeakMap<string[], boolean[][]>} */
  #masks = new WeakMap();
  /** @type {WeakMap<number[], number>} */
  #sizes = new WeakMap(); // a changed row is a new array: the others need not be looked through again
  #states = new States();
  #isMoving = false;
  #tell;

  /** @param {any} model */
  constructor(model) {
    this.model = model;
    this.tokens = /** @type {string[]} */ (model.get("tokens"));
    this.start = /** @type {State} */ (model.get("starting_state"));
    this.n = this.tokens.length;
    this.dK = this.start.queries[0].length;
    this.dV = this.start.values[0].length;
    this.#tell = atLeisure(() => model.save_changes(), 150, 1000);
    /** @type {Picture} what was computed last, and for which state */
    this.picture = this.inPage ? this.#computed() : this.#answered();
  }

  // --- what is ---

  /** Whether the page computes by itself: the function is the library's. */
  get inPage() {
    return /** @type {boolean} */ (this.model.get("in_page"));
  }

  /** Name of the learner's function that gives weights and context; null while the library's does. */
  get driver() {
    return this.inPage ? null : this.functionName;
  }

  get functionName() {
    return /** @type {string} */ (this.model.get("function"));
  }

  get state() {
    return this.#states.read(this.model.get("state"));
  }

  /** The token whose query is followed. */
  get selected() {
    return /** @type {number} */ (this.model.get("selected"));
  }

  get stage() {
    return /** @type {Stage} */ (this.model.get("stage"));
  }

  /** The steps that the lesson has come to. */
  get stages() {
    return /** @type {Stage[]} */ (this.model.get("stages"));
  }

  /** @param {Stage} stage */
  shows(stage) {
    return this.stages.includes(stage);
  }

  get focus() {
    return /** @type {"all" | "queries" | "keys"} */ (this.model.get("focus"));
  }

  /** Whether there are weights at all: a learner's function may not have worked yet. */
  get hasWeights() {
    return !Number.isNaN(this.picture.weights[0][0]);
  }

  /** What the followed query gives to each key; nothing while there are no weights. */
  get weights() {
    return this.hasWeights ? this.picture.weights[this.selected] : this.tokens.map(() => 0);
  }

  /** Who may attend to whom in a state. @param {State} state */
  maskOf({ mask }) {
    const known = this.#masks.get(mask);
    if (known) return known;
    const read = maskFrom(mask, this.n);
    this.#masks.set(mask, read);
    return read;
  }

  /** The largest number among rows, without its sign. @param {number[][]} rows */
  farthest(rows) {
    return rows.reduce((far, row) => {
      let size = this.#sizes.get(row);
      if (size === undefined) {
        size = 0;
        for (const x of row) if (Math.abs(x) > size) size = Math.abs(x);
        this.#sizes.set(row, size);
      }
      return Math.max(far, size);
    }, 0);
  }

  /** Whether a plane's axes may shrink: under a hand they stay as they are. To be asked once for each new state. */
  axesMayShrink() {
    const may = !this.#isMoving;
    this.#isMoving = false;
    return may;
  }

  /** Which of the mask's buttons is pressed. */
  get maskName() {
    const { state } = this;
    return state.mask.length ? maskName(this.maskOf(state)) : "none";
  }

  /** Which of the examples the present state is; null for none. */
  get presetName() {
    const [presets, now] = [this.presets, this.state];
    const isNow = (/** @type {any[]} */ rows, /** @type {any[]} */ others) =>
      rows.length === others.length && rows.every((row, at) => String(row) === String(others[at]));
    const fits = (/** @type {any} */ parts) =>
      Object.keys(parts).every((part) => isNow(parts[part], now[/** @type {"mask"} */ (part)]));
    return Object.keys(presets).find((name) => fits(presets[name])) ?? null;
  }

  get presets() {
    return /** @type {Record<string, Partial<State>>} */ (this.model.get("presets"));
  }

  // --- what a hand does ---

  /** @param {Partial<State>} changes */
  put(changes) {
    const state = this.state;
    this.model.set("state", this.#states.write({ ...state, ...changes, seq: state.seq + 1 }));
    if (this.inPage) this.#tell();
    else this.model.save_changes();
  }

  /** @param {Kind} kind @param {number} index @param {number[]} vector */
  move(kind, index, vector) {
    this.#isMoving = true;
    this.put({ [kind]: this.state[kind].map((old, at) => (at === index ? vector : old)) });
  }

  /** Change one number of a vector. @param {Kind} kind @param {number} index @param {number} d @param {number} value */
  moveAlong(kind, index, d, value) {
    this.move(
      kind,
      index,
      this.state[kind][index].map((old, at) => (at === d ? value : old)),
    );
  }

  /** @param {boolean[][]} mask */
  putMask(mask) {
    this.put({ mask: maskRows(mask) });
  }

  /** Hide or show a key to a query. @param {number} q @param {number} k */
  toggle(q, k) {
    const mask = this.maskOf(this.state).map((row) => row.slice());
    mask[q][k] = !mask[q][k];
    this.putMask(mask);
  }

  /** Turn to another stage, query or focus. @param {string} trait @param {any} value */
  look(trait, value) {
    if (this.model.get(trait) === value) return;
    this.model.set(trait, value);
    this.model.save_changes();
  }

  // --- what is drawn ---

  /**
   * Keep a view in step: vectors at once, everything else when its answer is there.
   * @param {{vectors: () => void, answer: () => void, waiting: () => void}} draw
   */
  follow({ vectors, answer, waiting }) {
    const { model } = this;
    const onState = () => {
      // Python gets the new state first, and works while the page draws; still in this frame.
      queueMicrotask(() => {
        vectors();
        if (!this.inPage) {
          waiting();
          return;
        }
        this.picture = this.#computed();
        answer();
      });
    };
    const onAnswer = () => {
      const then = this.#states.read(model.get("answered"));
      if (!this.inPage) this.picture = this.#answered();
      if (then.seq > this.state.seq) model.set("state", this.#states.write(then)); // moved on another page of this kernel
      if (!this.inPage) answer();
    };
    model.on("change:state", onState);
    model.on("change:answered", onAnswer);
    for (const trait of LOOKED_AT) model.on(`change:${trait}`, answer);
    vectors();
    answer();
    return () => {
      model.off("change:state", onState);
      model.off("change:answered", onAnswer);
      for (const trait of LOOKED_AT) model.off(`change:${trait}`, answer);
    };
  }

  #computed() {
    const state = this.state;
    return computed(state, state.mask.length ? this.maskOf(state) : undefined, this.picture);
  }

  #answered() {
    const then = this.#states.read(this.model.get("answered"));
    return answered(then, floats(this.model, "answer"), this.model.get("error") === "", this.picture);
  }

  /** Note on the root whether the picture is that of the present vectors. @param {HTMLElement} root */
  mark(root) {
    const isBehind = this.picture.state.seq < this.state.seq;
    const works = this.picture.works ? "ok" : "error";
    root.dataset.state = isBehind ? (this.model.hasKernel === false ? "alone" : "pending") : works;
  }

  waitingWords() {
    return this.model.hasKernel === false ? filled(TEXT.noPython, { name: this.functionName }) : TEXT.waiting;
  }

  /** The followed query's row in a sentence. */
  words() {
    const who = this.tokens[this.selected];
    const [row, scores] = [this.picture.weights[this.selected], this.picture.scores[this.selected]];
    if (!this.shows("weights")) {
      const best = winnerOf(scores);
      return filled(TEXT.scoresBest, { who, key: this.tokens[best], score: readable(scores[best]) });
    }
    if (!this.picture.works) return filled(TEXT.failed, { error: this.model.get("error") });
    if (!row.some((weight) => weight > 0)) return filled(TEXT.attendsToNothing, { who });
    const winner = winnerOf(row);
    return filled(TEXT.wins, { who, key: this.tokens[winner], weight: readable(row[winner]) });
  }
}

/**
 * States travel as text, which costs a twentieth of nested lists on the way through ipywidgets. The newest ones are kept as
 * read, so that what has not changed is the same array, too.
 */
class States {
  /** @type {Map<string, State>} */
  #known = new Map();

  /** @param {string} text @returns {State} */
  read(text) {
    return this.#known.get(text) ?? this.#remember(text, JSON.parse(text));
  }

  /** @param {State} state */
  write(state) {
    const text = JSON.stringify(state);
    this.#remember(text, state);
    return text;
  }

  /** @param {string} text @param {State} state */
  #remember(text, state) {
    this.#known.set(text, state);
    for (const old of this.#known.keys()) if (this.#known.size > 4) this.#known.delete(old);
    return state;
  }
}
