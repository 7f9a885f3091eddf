// @ts-check
/** The keys that the followed query attends to most, and all others together. */
import { html, setText } from "../kit/elements.js";
import { filled, readable, shortened } from "../kit/format.js";
import { CROWD_TEXT } from "./texts.js";

const MOST = 5;

/** @param {import("./session.js").Session} session @param {{pick: (key: number) => void}} hand */
export function makeMost(session, hand) {
  const head = html("h4");
  const lines = Array.from({ length: MOST + 1 }, (_, place) => makeLine((key) => place < MOST && hand.pick(key)));
  return {
    elements: [head, ...lines.map(({ line }) => line)],
    draw() {
      const { tokens, n, selected, picture, weights } = session;
      setText(head, filled(CROWD_TEXT.most, { who: shortened(tokens[selected], 16) }));
      const order = weights.map((_, k) => k).sort((a, b) => weights[b] - weights[a] || a - b);
      const rest = order.slice(MOST).reduce((sum, k) => sum + weights[k], 0);
      lines.forEach(({ line, name, how, result, share }, place) => {
        const [k, isRest] = [order[place], place === MOST];
        const weight = isRest ? rest : weights[k];
        line.dataset.key = String(k);
        line.disabled = isRest;
        setText(name, isRest ? filled(CROWD_TEXT.rest, { count: n - MOST }) : shortened(tokens[k], 16));
        setText(how, isRest ? "" : filled(CROWD_TEXT.score, { scaled: readable(picture.scaled[selected][k]) }));
        setText(result, weight.toFixed(3));
        share.style.backgroundSize = `${Math.min(1, Math.max(0, weight)) * 100}% 100%`; // unlike a width, never laid out anew
      });
    },
  };
}

/** @param {(key: number) => void} pick */
function makeLine(pick) {
  const [name, how, result] = ["cl-what", "cl-how", "cl-result"].map((kind) => html("span", { class: kind }));
  const share = html("span", { class: "cl-share" });
  const click = () => pick(Number(line.dataset.key));
  const line = /** @type {HTMLButtonElement} */ (
    html("button", { type: "button", class: "cl-most", click }, share, name, how, result)
  );
  return { line, name, how, result, share };
}
