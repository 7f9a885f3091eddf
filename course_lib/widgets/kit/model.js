// @ts-check
/** What a view asks of its model, anywidget's: read bytes as numbers, change a trait, follow changes. */
import { oncePerFrame } from "./timing.js";

/** The float32 numbers of a trait that travels as bytes. @param {any} model @param {string} trait */
export function floats(model, trait) {
  const view = /** @type {DataView} */ (model.get(trait));
  return new Float32Array(view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength));
}

/**
 * Keep a view and its model in step: `draw` runs at most once a frame after any of these traits has changed.
 * @param {any} model @param {string[]} traits @param {() => void} draw
 */
export function keepDrawn(model, traits, draw) {
  const soon = oncePerFrame(draw);
  for (const trait of traits) model.on(`change:${trait}`, soon);
  draw();
  return () => {
    for (const trait of traits) model.off(`change:${trait}`, soon);
  };
}

/** Change a trait, here and in Python, if it differs. @param {any} model @param {string} trait @param {any} value */
export function put(model, trait, value) {
  if (model.get(trait) === value) return;
  model.set(trait, value);
  model.save_changes();
}
