// @ts-check
/** What is said of a step: its own formula, or the function that ran. Nothing here knows of a page. */
import { filled, readable } from "../kit/format.js";
import { TEXT } from "./texts.js";

/** @typedef {import("./texts.js").Stage} Stage */
/** @typedef {string | null} Driver name of the learner's function; null while the library's runs */

/** @param {Stage} stage @param {Driver} driver */
export function formulaOf(stage, driver) {
  const { formula, formulaBeside } = TEXT.stage[stage];
  return driver === null ? formula : filled(formulaBeside, { name: driver });
}

/** @param {Stage} stage @param {Driver} driver @param {number} dK */
export function wordsOf(stage, driver, dK) {
  const about = TEXT.stage[stage];
  if (driver !== null && "wordsBeside" in about) return filled(about.wordsBeside, { name: driver });
  return filled(about.words, { d: dK, root: readable(Math.sqrt(dK)) });
}
