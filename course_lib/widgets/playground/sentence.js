// @ts-check
/** The head of the playground: the tokens, of which one is followed, the examples, and the way back to the start. */
import { causalMask } from "../compute.js";
import { choiceButtons } from "../kit/controls.js";
import { html, setAttributes } from "../kit/elements.js";
import { maskFrom } from "./numbers.js";
import { TEXT } from "./texts.js";

/** @typedef {import("./session.js").Session} Session */

/** The tokens as buttons, each with the share that the followed one gives to it. @param {Session} session */
export function makeSentence(session) {
  const chips = session.tokens.map((token, index) => {
    const share = html("span", { class: "cl-share" });
    const chip = html(
      "button",
      {
        type: "button",
        class: "cl-token",
        title: token,
        "aria-pressed": "false",
        click: () => session.look("selected", index),
      },
      html("span", { class: "cl-word" }, token),
      share,
    );
    return { chip, share };
  });
  return {
    element: html(
      "div",
      { class: "cl-sentence", role: "group", "aria-label": TEXT.who },
      html("span", { class: "cl-hint" }, TEXT.who),
      ...chips.map(({ chip }) => chip),
    ),
    draw() {
      const { selected, weights } = session;
      chips.forEach(({ chip, share }, index) => {
        setAttributes(chip, { "aria-pressed": String(index === selected) });
        const weight = session.shows("weights") ? Math.min(1, Math.max(0, weights[index])) : 0;
        share.style.backgroundSize = `${weight * 100}% 100%`; // unlike a width, never laid out anew
      });
    },
  };
}

/** A button for each example. @param {Session} session */
export function makePresets(session) {
  const names = Object.keys(session.presets);
  const buttons = choiceButtons(
    TEXT.presets,
    names.map((name) => [name, name]),
    (name) => session.put(session.presets[name]),
  );
  return {
    elements: names.length ? [buttons.element] : [],
    show: () => buttons.show(session.presetName),
  };
}

/** Buttons for the masks that have a name. @param {Session} session */
export function makeMaskButtons(session) {
  const buttons = choiceButtons(
    TEXT.mask,
    [
      ["none", TEXT.masks.none],
      ["causal", TEXT.masks.causal],
    ],
    (name) => session.putMask(name === "causal" ? causalMask(session.n) : maskFrom([], session.n)),
  );
  return {
    element: html(
      "div",
      { class: "cl-mask-tools", hidden: !session.shows("masked") },
      html("span", { class: "cl-hint" }, TEXT.mask),
      buttons.element,
    ),
    show: () => buttons.show(session.maskName),
  };
}
