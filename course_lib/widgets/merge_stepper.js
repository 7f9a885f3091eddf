// @ts-check
/** The page side of MergeStepper: pairs and their counts, the text by its tokens, length against vocabulary. */
import { bytePairMerges, bytePairTokens } from "./compute.js";
import { Chart } from "./kit/chart.js";
import { button, enable, slider } from "./kit/controls.js";
import { html, setText } from "./kit/elements.js";
import { filled, readable } from "./kit/format.js";
import { frame } from "./kit/frame.js";
import { keepDrawn, put } from "./kit/model.js";
import { TextBox } from "./kit/text_box.js";

const TEXT = {
  title: "How do words become tokens?",
  hint: "Count all pairs of neighbours, merge the most frequent, start again. Type your own text, in any script.",
  text: "Text",
  merges: "merges",
  back: "Undo",
  forward: "Merge one pair",
  pairs: "Most frequent pairs",
  pairsAre: "The first becomes the next token: {pair}.",
  done: "Nothing is left to merge: every word is one token.",
  tokens: "The text, token by token",
  newest: "Newest token: {token}.",
  none: "No merge yet: every character is a token.",
  chart: "Length of the text against size of the vocabulary",
  vocabulary: "tokens in the vocabulary",
  length: "tokens in the text",
  facts: "{size} tokens in the vocabulary, {length} in the text, {rate} characters per token.",
  space: "␣",
  line: "⏎",
  more: "… and {count} more",
  pair: "{first} + {second}",
};
const SHOWN = 500;
const COLOURS = 6;

/** @param {{model: any, el: HTMLElement}} host */
function render({ model, el }) {
  const most = model.get("most");
  const { root, body, announcer, painted, leave } = frame({ model, el }, "merges", {
    title: model.get("title") || TEXT.title,
    hint: TEXT.hint,
  });
  const box = new TextBox({
    label: TEXT.text,
    most: model.get("most_characters"),
    rows: 3,
    atOnce: true,
    send: (text) => put(model, "text", text),
  });
  const merges = slider({ label: TEXT.merges, min: 0, max: most, change: (value) => put(model, "merges", value) });
  const step = (/** @type {number} */ by) => put(model, "merges", Math.min(learnt().most, Math.max(0, done() + by)));
  const back = button(TEXT.back, () => step(-1));
  const forward = button(TEXT.forward, () => step(1));
  const pairs = html("ol", { class: "cl-pairs" });
  const tokens = html("div", { class: "cl-tokens", dir: "auto" });
  const captions = [html("p", { class: "cl-caption" }), html("p", { class: "cl-caption" })];
  const chart = new Chart({ label: TEXT.chart, xName: TEXT.vocabulary, yName: TEXT.length });
  const facts = html("p", { class: "cl-caption" });
  body.append(
    box.element,
    html("div", { class: "cl-controls" }, forward, back, merges.element),
    html(
      "div",
      { class: "cl-panels" },
      html("section", { class: "cl-panel" }, html("h4", {}, TEXT.pairs), pairs, captions[0]),
      html("section", { class: "cl-panel" }, html("h4", {}, TEXT.tokens), tokens, captions[1]),
      html("section", { class: "cl-panel" }, chart.element, facts),
    ),
  );

  /** @type {{text: string | null, most: number, found: ReturnType<typeof bytePairMerges>}} */
  let known = { text: null, most: 0, found: { alphabet: [], candidates: [], lengths: [] } };
  function learnt() {
    const text = model.get("text");
    if (known.text !== text) {
      const found = bytePairMerges(text, most);
      known = { text, most: found.lengths.length - 1, found };
    }
    return known;
  }
  const done = () => Math.min(model.get("merges"), learnt().most);
  const shownToken = (/** @type {string} */ token) => token.replaceAll(" ", TEXT.space).replaceAll("\n", TEXT.line);

  function draw() {
    const { text, found, most: possible } = learnt();
    const count = done();
    const list = found.candidates.slice(0, count).map((candidates) => candidates[0].pair);
    const now = bytePairTokens(text ?? "", list);
    box.show(text ?? "");
    merges.input.max = String(possible);
    merges.show(count);
    enable(back, count > 0);
    enable(forward, count < possible);

    const candidates = found.candidates[count] ?? [];
    const top = candidates[0]?.count ?? 1;
    const name = (/** @type {string[]} */ [first, second] = ["", ""]) =>
      filled(TEXT.pair, { first: shownToken(first), second: shownToken(second) });
    pairs.replaceChildren(
      ...candidates.map(({ pair, count: times }) => {
        const bar = html("span", { class: "cl-pair-bar" });
        bar.style.width = `${(100 * times) / top}%`;
        return html(
          "li",
          {},
          html("code", {}, name(pair)),
          html("span", { class: "cl-pair-count" }, String(times)),
          bar,
        );
      }),
    );
    const next = candidates[0];
    setText(
      captions[0],
      next && count < possible ? filled(TEXT.pairsAre, { pair: shownToken(next.pair.join("")) }) : TEXT.done,
    );
    const newest = list.length ? list[list.length - 1].join("") : null;
    const order = new Map([...found.alphabet, ...list.map((pair) => pair.join(""))].map((token, id) => [token, id]));
    tokens.replaceChildren(
      ...now.slice(0, SHOWN).map((token) =>
        html(
          "span",
          {
            class: `cl-piece cl-piece-${Number(order.get(token)) % COLOURS}${token === newest ? " cl-newest" : ""}`,
            title: `${shownToken(token)}: ${order.get(token)}`,
          },
          shownToken(token),
        ),
      ),
      ...(now.length > SHOWN ? [html("span", {}, filled(TEXT.more, { count: now.length - SHOWN }))] : []),
    );
    setText(captions[1], newest === null ? TEXT.none : filled(TEXT.newest, { token: shownToken(newest) }));
    const start = found.alphabet.length;
    chart.show({
      x: [start, start + Math.max(1, possible)],
      y: [0, found.lengths[0]],
      lines: [{ points: found.lengths.map((length, merge) => [start + merge, length]), kind: "one" }],
      dots: [{ at: [start + count, now.length], kind: "two" }],
    });
    const rate = readable(Array.from(text ?? "").length / Math.max(1, now.length));
    setText(facts, filled(TEXT.facts, { size: start + count, length: now.length, rate }));
    root.dataset.state = count === possible ? "done" : "ok";
    announcer.say(`${captions[1].textContent} ${facts.textContent}`);
    painted();
  }
  const stop = keepDrawn(model, ["text", "merges"], draw);
  return () => {
    stop();
    leave();
  };
}

export default { render };
