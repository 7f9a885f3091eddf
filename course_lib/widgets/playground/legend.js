// @ts-check
/** A name with the tip of its arrows beside it. */
import { html } from "../kit/elements.js";
import { tipGlyph } from "../kit/plane.js";

/** @param {string} kind @param {import("../kit/plane.js").Tip} tip @param {string} name */
export function legend(kind, tip, name) {
  return html("span", { class: "cl-legend" }, tipGlyph(kind, tip), name);
}
