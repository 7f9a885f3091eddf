// @ts-check
/** The playground for few tokens, each with arrows, numbers and a row of its own: how its parts stand together. */
import { html, setText } from "../kit/elements.js";
import { frame } from "../kit/frame.js";
import { makeCompare } from "./compare.js";
import { makeMix } from "./mix.js";
import { IN_VIEW } from "./number_table.js";
import { makePresets, makeSentence } from "./sentence.js";
import { makeSteps } from "./steps.js";
import { makeSum } from "./sum.js";
import { TEXT } from "./texts.js";
import { makeWeigh } from "./weigh.js";

/** @typedef {import("./session.js").Session} Session */

/** @param {{model: any, el: HTMLElement}} host @param {Session} session */
export function few(host, session) {
  const { model } = session;
  const { root, head, body, announcer, leave } = frame(host, "playground", { title: model.get("title") });
  const [sentence, presets, steps] = [makeSentence(session), makePresets(session), makeSteps(session)];
  const planes = [makeCompare(session), ...(session.shows("context") ? [makeMix(session)] : [])];
  const [compare, ...mix] = planes.map(({ element }) => element);
  const weigh = makeWeigh(session, () => sum.mark());
  const sum = makeSum(session, () => weigh.matrix.marked);
  const isShort = session.n <= IN_VIEW;
  if (isShort) weigh.matrix.element.after(sum.element);
  else sum.element.classList.add("cl-panel");
  const trouble = html("div", { class: "cl-trouble", role: "alert", hidden: true });
  const waiting = html("div", { class: "cl-waiting", "aria-hidden": "true" });
  head.append(sentence.element, html("div", { class: "cl-tools" }, ...presets.elements, resetButton(session)));
  body.append(
    steps.element,
    trouble,
    html("div", { class: "cl-board" }, compare, weigh.element, ...mix, ...(isShort ? [] : [sum.element])),
    waiting,
  );
  root.classList.add("cl-few");
  root.classList.toggle("cl-short", isShort);
  root.classList.toggle("cl-two-panels", !mix.length);
  measure(root, session.tokens);

  const draw = {
    vectors() {
      const mayShrink = session.axesMayShrink();
      for (const part of planes) {
        part.put(mayShrink);
        if (!session.inPage) part.draw(); // else the answer is about to do it
      }
      presets.show();
      weigh.put();
    },
    answer() {
      for (const part of [steps, weigh, sentence, sum, ...planes]) part.draw();
      setText(trouble, model.get("error"));
      trouble.hidden = session.picture.works;
      root.dataset.paintedSeq = String(session.picture.state.seq);
      draw.waiting();
      announcer.say(session.words());
    },
    waiting() {
      session.mark(root);
      setText(waiting, session.waitingWords());
    },
  };
  const stop = session.follow(draw);
  return () => {
    stop();
    leave();
  };
}

/** @param {Session} session */
function resetButton(session) {
  const click = () => session.put(session.start);
  return html("button", { type: "button", class: "cl-button", "data-choice": "reset", click }, TEXT.reset);
}

/** Give the cells of the matrix and their labels the room that so many tokens leave. @param {HTMLElement} root @param {string[]} tokens */
function measure(root, tokens) {
  const [n, longest] = [tokens.length, Math.max(...tokens.map((token) => token.length))];
  root.classList.toggle("cl-many", n > 7);
  root.style.setProperty("--cl-row-label", `${Math.min(86, Math.max(36, 8 * longest + 14))}px`);
  root.style.setProperty("--cl-cell", `${n <= 3 ? 42 : n <= 5 ? 42 : n <= 8 ? 34 : 28}px`);
}
