// @ts-check
/**
 * The playground for more tokens than can have arrows and numbers each: a map on a canvas, all keys and values as dots, and
 * the query that is followed and one key at hand.
 */
import { button, choiceButtons, menu } from "../kit/controls.js";
import { html, setText } from "../kit/elements.js";
import { shortened } from "../kit/format.js";
import { frame } from "../kit/frame.js";
import { makeCrowdMap } from "./crowd_map.js";
import { makeMost } from "./crowd_most.js";
import { makeCrowdCompare, makeCrowdMix } from "./crowd_planes.js";
import { wordsOf } from "./labels.js";
import { makeMaskButtons, makePresets } from "./sentence.js";
import { CROWD_TEXT, TEXT } from "./texts.js";

/** @typedef {import("./session.js").Session} Session */
/** @typedef {{key: number, pick: (key: number) => void}} Hand the key at hand */

/** @param {{model: any, el: HTMLElement}} host @param {Session} session */
export function crowd(host, session) {
  const { model } = session;
  const texts = { title: model.get("title"), hint: CROWD_TEXT.hint };
  const { root, head, body, announcer, leave } = frame(host, "playground", texts);
  root.classList.add("cl-crowd");
  root.classList.toggle("cl-two-panels", !session.shows("context"));
  /** @type {Hand} */
  const hand = {
    key: 0,
    pick(key) {
      hand.key = key;
      draw.vectors();
      draw.answer();
    },
  };
  const choices = makeChoices(session, hand);
  const planes = [makeCrowdCompare(session, hand), ...(session.shows("context") ? [makeCrowdMix(session, hand)] : [])];
  const [compare, ...mix] = planes.map(({ element }) => element);
  const [map, most] = [makeCrowdMap(session, hand), makeMost(session, hand)];
  if (session.shows("weights")) (mix[0] ?? compare).append(...most.elements);
  const trouble = html("div", { class: "cl-trouble", role: "alert", hidden: true });
  const waiting = html("div", { class: "cl-waiting", "aria-hidden": "true" });
  const weigh = makeWeigh(session, map.elements);
  head.append(choices.element);
  body.append(choices.stages, trouble, html("div", { class: "cl-board" }, compare, weigh.element, ...mix), waiting);

  const draw = {
    vectors() {
      const mayShrink = session.axesMayShrink();
      for (const part of planes) {
        part.put(mayShrink);
        if (!session.inPage) part.drawDiscs(); // else the answer is about to do it
      }
      choices.put();
    },
    answer() {
      const { picture, stage } = session;
      for (const part of [map, ...planes, most, choices, weigh]) part.draw();
      setText(trouble, model.get("error"));
      trouble.hidden = picture.works;
      body.classList.toggle("cl-stale", !picture.works && (stage === "weights" || stage === "context"));
      root.dataset.paintedSeq = String(picture.state.seq);
      draw.waiting();
      announcer.say(session.words());
    },
    waiting() {
      session.mark(root);
      setText(waiting, session.waitingWords());
    },
  };
  model.on("change:selected", draw.vectors); // before the answer, which is drawn on the axes that this sets
  const stop = session.follow(draw);
  return () => {
    model.off("change:selected", draw.vectors);
    stop();
    leave();
  };
}

/** Who is looking, which key is at hand, which stage is shown; masks and examples. @param {Session} session @param {Hand} hand */
function makeChoices(session, hand) {
  const numbered = session.tokens.map((token, index) => `${index + 1} ${shortened(token, 24)}`);
  const who = menu(TEXT.who, numbered, (index) => session.look("selected", index));
  const at = menu(CROWD_TEXT.key, numbered, (index) => hand.pick(index));
  const stages = choiceButtons(
    TEXT.steps,
    session.stages.map((name) => [name, TEXT.stage[name].name]),
    (name) => session.look("stage", name),
  );
  const [presets, masks] = [makePresets(session), makeMaskButtons(session)];
  const reset = button(TEXT.reset, () => session.put(session.start));
  return {
    element: html("div", { class: "cl-controls" }, who.element, at.element, masks.element, ...presets.elements, reset),
    stages: html(
      "nav",
      { class: "cl-controls", "aria-label": TEXT.steps, hidden: session.stages.length === 1 },
      stages.element,
    ),
    put() {
      presets.show();
      masks.show();
    },
    draw() {
      who.show(session.selected);
      at.show(hand.key);
      stages.show(session.stage);
    },
  };
}

/** The map's panel, with its words and notes. @param {Session} session @param {HTMLElement[]} map */
function makeWeigh(session, map) {
  const words = html("p", { class: "cl-words" });
  const notes = html("ul", { class: "cl-notes" });
  const functionName = html("code");
  const ran = html("p", { class: "cl-function" }, TEXT.runsBeside, " ", functionName);
  return {
    element: html("section", { class: "cl-panel cl-weigh" }, words, ...map, notes, ran),
    draw() {
      const { stage, driver, dK } = session;
      setText(words, wordsOf(stage, driver, dK));
      setText(functionName, session.functionName);
      ran.hidden = driver === null || !(session.shows("weights") || session.shows("context"));
      const noted = /** @type {string[]} */ (session.model.get("notes"));
      notes.replaceChildren(...noted.map((note) => html("li", {}, note)));
    },
  };
}
