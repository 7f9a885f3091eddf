// @ts-check
/** Where queries meet keys: both as arrows on a plane, and what the followed query makes of each key. */
import { choiceButtons } from "../kit/controls.js";
import { html, setAttributes, setText, svg } from "../kit/elements.js";
import { filled, shortened } from "../kit/format.js";
import { Plane, tipGlyph } from "../kit/plane.js";
import { makeNumbers } from "./number_table.js";
import { discRadius, projected } from "./numbers.js";
import { TEXT, TIPS } from "./texts.js";

/** @typedef {import("./session.js").Session} Session */
/** @typedef {"queries" | "keys"} Compared */

/** The panel: the plane where there are two dimensions, and numbers always. @param {Session} session */
export function makeCompare(session) {
  const plane = session.dK === 2 ? new ComparePlane(session) : null;
  const numbers = makeNumbers(session, ["queries", "keys"], !plane);
  return {
    element: html(
      "section",
      { class: "cl-panel cl-compare", "aria-label": TEXT.compare },
      html("div", { class: "cl-panel-head" }, plane ? plane.focus.element : html("h4", {}, TEXT.compare)),
      ...(plane ? [plane.plane.element, plane.caption] : []),
      numbers.element,
    ),
    /** @param {boolean} mayShrink */
    put(mayShrink) {
      plane?.put(mayShrink);
      numbers.show();
    },
    draw: () => plane?.draw(),
  };
}

class ComparePlane {
  /** @param {Session} session */
  constructor(session) {
    const { tokens } = session;
    this.session = session;
    this.plane = new Plane(TEXT.comparePlane);
    this.line = svg("line", { class: "cl-direction" });
    this.drops = tokens.map(() => svg("line", { class: "cl-drop" }));
    this.feet = tokens.map(() => svg("circle", { class: "cl-foot", r: 3.4 }));
    this.discs = tokens.map(() => svg("circle", { class: "cl-disc" }));
    this.plane.under.append(this.line, ...this.drops, ...this.discs);
    this.keys = this.#addArrows("keys");
    this.queries = this.#addArrows("queries", (index) => session.look("selected", index));
    this.plane.arrows.append(...this.feet);
    this.caption = html("p", { class: "cl-caption" });
    const face = (/** @type {Compared} */ kind) => html("span", {}, tipGlyph(TEXT.kinds[kind], TIPS[kind]), kind);
    this.focus = choiceButtons(
      TEXT.show,
      [
        ["all", TEXT.both],
        ["queries", face("queries")],
        ["keys", face("keys")],
      ],
      (key) => session.look("focus", key),
    );
  }

  /** @param {Compared} kind @param {(index: number) => void} [grab] */
  #addArrows(kind, grab) {
    return this.session.tokens.map((label, index) =>
      this.plane.addArrow({
        kind: TEXT.kinds[kind],
        shape: TIPS[kind],
        label,
        name: filled(TEXT.vectorOf, { kind: TEXT.kinds[kind], token: label }),
        move: (point) => this.session.move(kind, index, point),
        grab: grab && (() => grab(index)),
      }),
    );
  }

  /** Put the arrows where the vectors are. @param {boolean} mayShrink */
  put(mayShrink) {
    const { session, plane } = this;
    const { queries, keys } = session.state;
    plane.fit(session.farthest([...queries, ...keys]), mayShrink);
    this.keys.forEach((arrow, index) => arrow.put(keys[index]));
    this.queries.forEach((arrow, index) => arrow.put(queries[index]));
  }

  /** Draw what depends on the stage, on who is followed, and on the weights. */
  draw() {
    const { session, plane } = this;
    const { selected: who, stage, focus, tokens } = session;
    this.#drawLine();
    this.#drawKeys();
    this.#drawArrows();
    const others = this.queries.filter((_, index) => index !== who);
    plane.placeLabels([this.queries[who], ...this.keys, ...others]);
    setText(this.caption, filled(TEXT.stage[stage].plane, { who: shortened(tokens[who], 16) }));
    this.focus.show(focus);
  }

  /** Whether the plane shows lengths along the query; at later stages it shows weights. */
  get #isMeasuring() {
    return !["weights", "context"].includes(this.session.stage);
  }

  /** @param {number} index */
  #isVisible(index) {
    const { session } = this;
    return session.stage !== "masked" || session.maskOf(session.state)[session.selected][index];
  }

  /** The line of the followed query, as far as the plane goes. */
  #drawLine() {
    const { session, plane } = this;
    const query = session.state.queries[session.selected];
    const length = Math.hypot(query[0], query[1]);
    const far = length ? (plane.extent * 1.5) / length : 0;
    const [from, to] = [plane.pixel(query.map((x) => -x * far)), plane.pixel(query.map((x) => x * far))];
    setAttributes(this.line, { x1: from[0], y1: from[1], x2: to[0], y2: to[1] });
    this.line.style.display = this.#isMeasuring ? "" : "none";
  }

  /** Each key dropped onto that line, or a disc around it, as big as its weight. */
  #drawKeys() {
    const { session, plane, drops, feet, discs } = this;
    const { state, weights } = session;
    const query = state.queries[session.selected];
    state.keys.forEach((key, index) => {
      const foot = projected(key, query);
      const [kx, ky] = plane.pixel(key);
      const [fx, fy] = plane.pixel(foot ?? [0, 0]);
      setAttributes(drops[index], { x1: kx, y1: ky, x2: fx, y2: fy });
      setAttributes(feet[index], { cx: fx, cy: fy });
      for (const element of [drops[index], feet[index]])
        element.style.display = this.#isMeasuring && this.#isVisible(index) && foot ? "" : "none";
      setAttributes(discs[index], { cx: kx, cy: ky, r: discRadius(weights[index]) });
      discs[index].style.display = this.#isMeasuring ? "none" : "";
    });
  }

  /** What is out of focus fades, and the keyboard passes over it. */
  #drawArrows() {
    const { focus, selected, n } = this.session;
    this.keys.forEach((arrow, index) => {
      arrow.group.classList.toggle("cl-faded", focus === "queries" || !this.#isVisible(index));
      arrow.group.classList.toggle("cl-off", focus === "queries");
      setAttributes(arrow.tip, { tabindex: focus === "queries" ? -1 : 0 });
      arrow.shown = focus !== "queries";
    });
    this.queries.forEach((arrow, index) => {
      const isOther = index !== selected;
      arrow.group.classList.toggle("cl-faded", focus === "keys" || (focus === "all" && isOther));
      arrow.group.classList.toggle("cl-off", focus === "keys");
      arrow.group.classList.toggle("cl-selected", !isOther);
      setAttributes(arrow.tip, { tabindex: focus === "keys" ? -1 : 0 });
      arrow.shown = focus === "queries" || (focus === "all" && (!isOther || n <= 6));
      arrow.text.classList.toggle("cl-faded", focus === "all" && isOther);
    });
  }
}
