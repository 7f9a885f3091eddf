// @ts-check
/** What stands around every widget: title, hint, place for the rest, a voice for screen readers, and keys of its own. */
import { html, setText } from "./elements.js";
import { filled } from "./format.js";
import { isCommand } from "./keys.js";
import { keepDrawn } from "./model.js";

const TEXT = {
  goal: "Goal: {goal}",
  reached: "Reached: {goal}",
  gone: "The kernel that this picture came from was restarted or shut down. Run its cell again.",
};

/**
 * The root of a widget: a title, a sentence that says what to do, a place for the rest, and a voice. It says so when the
 * kernel behind it is gone.
 * @param {{model: any, el: HTMLElement}} host @param {string} name @param {{title?: string, hint?: string}} texts
 */
export function frame({ model, el }, name, { title, hint }) {
  const announcer = new Announcer();
  const gone = html("div", { class: "cl-trouble", role: "alert", hidden: true }, TEXT.gone);
  const body = html("div", { class: "cl-body" });
  const head = html(
    "header",
    { class: "cl-head" },
    ...(title ? [html("div", { class: "cl-title", role: "heading", "aria-level": "3" }, title)] : []),
    ...(hint ? [html("p", { class: "cl-hint" }, hint)] : []),
  );
  const goal = makeGoal(model);
  const root = html("div", { class: `cl cl-${name}` }, head, ...goal.elements, gone, body, announcer.element);
  keepPlainKeys(root);
  const onGone = () => (gone.hidden = false);
  model.on("comm_live_update", onGone);
  el.append(root);
  return {
    root,
    head,
    body,
    announcer,
    /** Note that the present state has been drawn. */
    painted: () => (root.dataset.paintedSeq = String(Number(root.dataset.paintedSeq ?? 0) + 1)),
    leave() {
      model.off("comm_live_update", onGone);
      goal.leave();
    },
  };
}

/**
 * What is to be reached, with a circle that Python fills with a tick; on a page without Python it is only text. It has a voice
 * of its own: the widget's speaks of something else at the same moment.
 * @param {any} model
 */
function makeGoal(model) {
  const goal = /** @type {string} */ (model.get("goal"));
  if (!goal) return { elements: [], leave() {} };
  const mark = html("span", { class: "cl-goal-mark", "aria-hidden": "true", hidden: model.hasKernel === false });
  const words = html("span", { role: "status" });
  const element = html("p", { class: "cl-goal" }, mark, words);
  const leave = keepDrawn(model, ["reached"], () => {
    const isReached = /** @type {boolean} */ (model.get("reached"));
    element.classList.toggle("cl-goal-reached", isReached);
    setText(mark, isReached ? "✓" : "");
    setText(words, filled(isReached ? TEXT.reached : TEXT.goal, { goal }));
  });
  return { elements: [element], leave };
}

/**
 * Keep plain keys for the widget while it has the focus: JupyterLab would take arrows, Enter and letters as commands on
 * cells. Keys with Ctrl, Meta or Alt, and Shift+Enter to run the next cell, stay JupyterLab's.
 * @param {HTMLElement} root
 */
export function keepPlainKeys(root) {
  root.addEventListener("keydown", (event) => {
    const isTheirs = isCommand(event) || (event.shiftKey && event.key === "Enter");
    if (!isTheirs) event.stopPropagation();
  });
}

/** Tells a screen reader, politely and only once things have come to rest. */
export class Announcer {
  constructor() {
    this.element = html("div", { class: "cl-announcer", role: "status", "aria-live": "polite" });
    this.timer = 0;
  }

  /** @param {string} text */
  say(text) {
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => setText(this.element, text), 500);
  }
}

/**
 * Do something whenever an element comes on the page, which is after it was first drawn, is resized, or turns from light to
 * dark: what was painted in pixels keeps its colours.
 * @param {Element} element @param {() => void} act
 */
export function onNewLook(element, act) {
  const size = new ResizeObserver(act);
  size.observe(element);
  const theme = new MutationObserver(act);
  theme.observe(document.body, { attributeFilter: ["data-jp-theme-light", "data-jp-theme-name"] });
  const preference = matchMedia("(prefers-color-scheme: dark)");
  preference.addEventListener("change", act);
  return () => {
    size.disconnect();
    theme.disconnect();
    preference.removeEventListener("change", act);
  };
}
