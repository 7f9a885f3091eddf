// @ts-check
/**
 * The page side of AttentionPlayground. Its parts lie in playground/:
 *
 * - session.js: what is being computed and looked at, and how page and Python tell each other;
 * - numbers.js, arithmetic.js: the numbers of every step, their colours and their sums, without a page;
 * - few.js: up to a dozen tokens. sentence.js, steps.js, compare.js (queries and keys), weigh.js (the matrix),
 *   mix.js (values and contexts) and sum.js are its parts, from top to bottom;
 * - crowd.js: more tokens;
 * - texts.js: all that a reader sees.
 *
 * Arrows and their looks are kit/plane.js and kit/plane.css.
 */
import { crowd } from "./playground/crowd.js";
import { few } from "./playground/few.js";
import { Session } from "./playground/session.js";

const FEW = 12; // up to here every token has arrows and every cell its number

/** @param {{model: any, el: HTMLElement}} host */
function render(host) {
  const session = new Session(host.model);
  return session.n > FEW ? crowd(host, session) : few(host, session);
}

export default { render };
