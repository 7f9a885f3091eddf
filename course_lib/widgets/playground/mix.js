// @ts-check
/** Where values become contexts: both as arrows on a plane, and the steps that lead to the followed context. */
import { html, setAttributes, setText, svg } from "../kit/elements.js";
import { filled, shortened } from "../kit/format.js";
import { convexHull } from "../kit/geometry.js";
import { Plane } from "../kit/plane.js";
import { legend } from "./legend.js";
import { makeNumbers } from "./number_table.js";
import { chainOf, discRadius } from "./numbers.js";
import { TEXT, TIPS } from "./texts.js";

/** @typedef {import("./session.js").Session} Session */

/** The panel: the plane where there are two dimensions, and numbers always. @param {Session} session */
export function makeMix(session) {
  const plane = session.dV === 2 ? new MixPlane(session) : null;
  const numbers = makeNumbers(session, ["values"], !plane);
  const element = html(
    "section",
    { class: "cl-panel cl-mix", "aria-label": TEXT.mix },
    html(
      "div",
      { class: "cl-panel-head" },
      html("h4", {}, TEXT.mix),
      html("div", {}, legend("value", TIPS.values, "values"), legend("context", TIPS.context, "context")),
    ),
    ...(plane ? [plane.plane.element, plane.caption] : []),
    numbers.element,
  );
  return {
    element,
    /** @param {boolean} mayShrink */
    put(mayShrink) {
      plane?.put(mayShrink);
      numbers.show();
    },
    draw() {
      element.classList.toggle("cl-stale", !session.picture.works);
      plane?.draw();
    },
  };
}

class MixPlane {
  /** @param {Session} session */
  constructor(session) {
    const { tokens } = session;
    this.session = session;
    this.plane = new Plane(TEXT.mixPlane);
    this.hull = svg("path", { class: "cl-hull" });
    this.discs = tokens.map(() => svg("circle", { class: "cl-disc" }));
    this.chain = svg("path", { class: "cl-chain" });
    this.joints = tokens.map(() => svg("circle", { class: "cl-joint", r: 2.2 }));
    this.plane.under.append(this.hull, ...this.discs);
    this.values = tokens.map((label, index) =>
      this.plane.addArrow({
        kind: TEXT.kinds.values,
        shape: TIPS.values,
        label,
        name: filled(TEXT.vectorOf, { kind: TEXT.kinds.values, token: label }),
        move: (point) => session.move("values", index, point),
      }),
    );
    this.contexts = tokens.map((label) =>
      this.plane.addArrow({
        kind: "context",
        shape: TIPS.context,
        label,
        name: filled(TEXT.contextOf, { who: label }),
      }),
    );
    this.plane.arrows.append(this.chain, ...this.joints);
    this.caption = html("p", { class: "cl-caption" });
  }

  /** Put the arrows where the vectors are. @param {boolean} mayShrink */
  put(mayShrink) {
    const { session } = this;
    const { values } = session.state;
    // Weights that add up to more than 1 carry a context beyond all values.
    this.plane.fit(session.farthest([...values, ...session.picture.context]), mayShrink);
    this.values.forEach((arrow, index) => arrow.put(values[index]));
  }

  /** Draw what depends on who is followed, and on the weights. */
  draw() {
    const { session, plane, contexts } = this;
    const { values } = session.state;
    this.put(false); // the contexts of this picture have room, too
    const corners = convexHull(values).map((point) => plane.pixel(point).join(" "));
    setAttributes(this.hull, { d: `M ${corners.join(" L ")} Z` });
    values.forEach((value, index) => {
      const [cx, cy] = plane.pixel(value);
      setAttributes(this.discs[index], { cx, cy, r: discRadius(session.weights[index]) });
      this.values[index].shown = true;
    });
    this.#drawChain();
    this.#drawContexts();
    const who = session.selected;
    plane.placeLabels([contexts[who], ...this.values, ...contexts.filter((_, index) => index !== who)]);
    setText(this.caption, this.#words());
  }

  #drawChain() {
    const { session, plane, chain, joints } = this;
    const ends = chainOf(session.weights, session.picture.state.values).map((end) => plane.pixel(end));
    chain.setAttribute("d", `M ${[plane.pixel([0, 0]), ...ends].map((end) => end.join(" ")).join(" L ")}`);
    ends.forEach(([cx, cy], index) => setAttributes(joints[index], { cx, cy }));
    for (const element of [chain, ...joints]) element.style.display = session.picture.works ? "" : "none";
  }

  #drawContexts() {
    const { selected, hasWeights, picture } = this.session;
    this.contexts.forEach((arrow, index) => {
      arrow.group.style.display = hasWeights ? "" : "none";
      arrow.group.classList.toggle("cl-selected", index === selected);
      arrow.group.classList.toggle("cl-faded", index !== selected);
      arrow.shown = hasWeights && index === selected;
      if (hasWeights) arrow.put(picture.context[index]);
    });
  }

  #words() {
    const { hasWeights, picture, tokens, selected } = this.session;
    if (!hasWeights) return TEXT.mixWaiting;
    return picture.works ? filled(TEXT.mixHint, { who: shortened(tokens[selected], 16) }) : TEXT.mixStale;
  }
}
