// @ts-check
/**
 * AttentionPlayground for more tokens than can have arrows and numbers each: a map on a canvas, all keys and values as dots,
 * and the query that is followed and one key at hand.
 */
import { button, choiceButtons, menu, numberInput } from "./kit/controls.js";
import { html, setAttributes, setText, svg } from "./kit/elements.js";
import { filled, readable, shortened } from "./kit/format.js";
import { frame } from "./kit/frame.js";
import { HeatMap } from "./kit/heat_map.js";
import { Plane } from "./kit/plane.js";

const CROWD_TEXT = {
  hint: "Choose who is looking, then drag its query, or the key and value of one other token. Click the map to choose both.",
  key: "Key at hand",
  compare: "Every dot is a key. The bigger its disc, the more “{who}” attends to it; the square is “{key}”.",
  mix: "Every dot is a value. Weights mix them into the context of “{who}”; the triangle is “{key}”.",
  map: "Brightest: {top}. Rows are queries, columns are keys; the framed row is “{who}”.",
  mapSigned: "Blue is negative, orange positive; the strongest colour is ±{top}. The framed row is “{who}”.",
  mapContext: "Rows are queries, columns are dimensions; the strongest colour is ±{top}.",
  most: "“{who}” attends most to",
  rest: "the other {count} together",
  score: "scaled score {scaled}",
  names: { queries: "query", keys: "key", values: "value" },
};
const MOST = 5;

/**
 * @param {{model: any, el: HTMLElement}} host @param {any} session
 * @param {any} text
 */
export function crowd(host, session, text) {
  const { tokens, n, dK, dV, start, state, selected, stage, look, put, has } = session;
  const { root, head, body, announcer, leave } = frame(host, "playground", {
    title: session.model.get("title"),
    hint: CROWD_TEXT.hint,
  });
  root.classList.add("cl-crowd");
  let key = 0; // the key at hand
  let moving = false; // under a hand the axes stay as they are
  const pick = (/** @type {number} */ index) => {
    key = index;
    drawVectors();
    drawAnswer();
  };
  const move = (
    /** @type {"queries" | "keys" | "values"} */ kind,
    /** @type {number} */ index,
    /** @type {number[]} */ to,
  ) => {
    moving = true;
    session.move(kind, index, to);
  };

  // --- choices ---

  const numbered = tokens.map((token, index) => `${index + 1} ${shortened(token, 24)}`);
  const who = menu(text.who, numbered, (index) => look("selected", index));
  const at = menu(CROWD_TEXT.key, numbered, pick);
  const stages = choiceButtons(
    text.steps,
    Object.entries(text.stage).map(([name, { name: shown }]) => [name, shown]),
    (name) => look("stage", name),
  );
  const presetButtons = session.presetButtons();
  const masks = session.maskButtons();
  head.append(
    html(
      "div",
      { class: "cl-controls" },
      who.element,
      at.element,
      html("div", { class: "cl-mask-tools" }, html("span", { class: "cl-hint" }, text.mask), masks.element),
      ...presetButtons.elements,
      button(text.reset, () => put(start)),
    ),
  );

  // --- the two planes ---

  /** All vectors of a kind as dots, with discs under them; arrows for what can be dragged. */
  function makePlane(/** @type {string} */ label, /** @type {"keys" | "values"} */ kind) {
    const plane = new Plane(label);
    const discs = svg("path", { class: "cl-disc" }); // all in one: hundreds of elements would be hundreds to restyle
    const dots = svg("path", { class: `cl-speck cl-${CROWD_TEXT.names[kind]}` });
    plane.under.append(discs, dots);
    let drawn = { points: /** @type {number[][]} */ ([]), extent: 0 };
    const drawDots = (/** @type {number[][]} */ points) => {
      if (drawn.points === points && drawn.extent === plane.extent) return;
      drawn = { points, extent: plane.extent };
      dots.setAttribute(
        "d",
        circles(plane, points, () => 2),
      );
    };
    return { plane, discs, drawDots };
  }
  const compare = dK === 2 ? makeCompare() : null;
  const mix = dV === 2 ? makeMix() : null;

  function makeCompare() {
    const parts = makePlane(text.comparePlane, "keys");
    const keyArrow = parts.plane.addArrow({
      kind: "key",
      shape: "square",
      label: CROWD_TEXT.names.keys,
      name: CROWD_TEXT.names.keys,
      move: (point) => move("keys", key, point),
    });
    const query = parts.plane.addArrow({
      kind: "query",
      shape: "circle",
      label: CROWD_TEXT.names.queries,
      name: CROWD_TEXT.names.queries,
      move: (point) => move("queries", selected(), point),
    });
    return { ...parts, keyArrow, query };
  }

  function makeMix() {
    const parts = makePlane(text.mixPlane, "values");
    const value = parts.plane.addArrow({
      kind: "value",
      shape: "triangle",
      label: CROWD_TEXT.names.values,
      name: CROWD_TEXT.names.values,
      move: (point) => move("values", key, point),
    });
    const context = parts.plane.addArrow({ kind: "context", shape: "diamond", label: "context", name: "context" });
    return { ...parts, value, context };
  }

  // --- numbers: the way without dragging, and the only one where there are not two dimensions ---

  function numberRow(/** @type {"queries" | "keys" | "values"} */ kind, /** @type {() => number} */ index) {
    const name = CROWD_TEXT.names[kind];
    const inputs = start[kind][0].map((_, d) =>
      numberInput({
        label: filled(text.numberOf, { kind: name, token: kind === "queries" ? text.who : CROWD_TEXT.key, d: d + 1 }),
        read: () => state()[kind][index()][d],
        change: (value) =>
          move(
            kind,
            index(),
            state()[kind][index()].map((old, at) => (at === d ? value : old)),
          ),
      }),
    );
    const fields = inputs.map(({ input }) => input);
    return {
      element: html(
        "div",
        { class: `cl-numbers-row cl-${name}` },
        html("span", { class: "cl-numbers-name" }, name),
        ...fields,
      ),
      show: () => inputs.forEach(({ show }) => show()),
    };
  }
  const rows = {
    query: numberRow("queries", selected),
    key: numberRow("keys", () => key),
    value: numberRow("values", () => key),
  };

  // --- the map, and the keys that matter most ---

  const tellPair = (/** @type {number} */ q, /** @type {number} */ k) => {
    const now = stage();
    const picture = session.picture();
    const may = session.allowed(picture.state)[q][k];
    const number =
      now === "weights" ? picture.weights[q][k] : (now === "scores" ? picture.scores : picture.scaled)[q][k];
    const words = now === "masked" && !may ? text.stage.masked.hiddenCell : text.stage[now].cell;
    return filled(words, { query: tokens[q], key: tokens[k], number: readable(number) });
  };
  const square = new HeatMap({
    label: text.stage.weights.name,
    rows: tokens,
    columns: tokens,
    rowName: "queries",
    columnName: "keys",
    tell: tellPair,
    go: (q, k) => {
      key = k;
      if (q === selected()) pick(k);
      else look("selected", q);
    },
    act: (q, k) => stage() === "masked" && session.toggle(q, k),
  });
  const wide = new HeatMap({
    label: text.stage.context.name,
    rows: tokens,
    columns: Array.from({ length: dV }, (_, d) => String(d + 1)),
    signed: true,
    tell: (q, d, value) => filled(text.stage.context.cell, { query: tokens[q], key: d + 1, number: readable(value) }),
    go: (q) => look("selected", q),
  });
  const words = html("p", { class: "cl-words" });
  const caption = html("p", { class: "cl-caption" });
  const functionName = html("code");
  const notes = html("ul", { class: "cl-notes" });
  const trouble = html("div", { class: "cl-trouble", role: "alert", hidden: true });
  const waiting = html("div", { class: "cl-waiting", "aria-hidden": "true" });
  const mostHead = html("h4");
  const most = Array.from({ length: MOST + 1 }, (_, place) => {
    const [name, how, result] = ["cl-what", "cl-how", "cl-result"].map((kind) => html("span", { class: kind }));
    const share = html("span", { class: "cl-share" });
    const line = html(
      "button",
      { type: "button", class: "cl-most", click: () => place < MOST && pick(Number(line.dataset.key)) },
      share,
      name,
      how,
      result,
    );
    return { line, name, how, result, share };
  });
  const captions = { compare: html("p", { class: "cl-caption" }), mix: html("p", { class: "cl-caption" }) };
  body.append(
    html("nav", { class: "cl-controls", "aria-label": text.steps }, stages.element),
    trouble,
    html(
      "div",
      { class: "cl-board" },
      html(
        "section",
        { class: "cl-panel cl-compare", "aria-label": text.compare },
        html("h4", {}, text.compare),
        ...(compare ? [compare.plane.element, captions.compare] : []),
        html("div", { class: "cl-numbers" }, rows.query.element, rows.key.element),
      ),
      html(
        "section",
        { class: "cl-panel cl-weigh" },
        words,
        square.element,
        wide.element,
        caption,
        notes,
        html("p", { class: "cl-function" }, `${text.runs} `, functionName),
      ),
      html(
        "section",
        { class: "cl-panel cl-mix", "aria-label": text.mix },
        html("h4", {}, text.mix),
        ...(mix ? [mix.plane.element, captions.mix] : []),
        html("div", { class: "cl-numbers" }, rows.value.element),
        mostHead,
        ...most.map(({ line }) => line),
      ),
    ),
    waiting,
  );

  // --- drawing ---

  /** @type {WeakMap<number[], number>} */
  const sizes = new WeakMap(); // a changed row is a new array: the others need not be looked through again
  function farthest(/** @type {number[][]} */ rows) {
    return rows.reduce((far, row) => {
      let size = sizes.get(row);
      if (size === undefined) {
        size = 0;
        for (const x of row) if (Math.abs(x) > size) size = Math.abs(x);
        sizes.set(row, size);
      }
      return Math.max(far, size);
    }, 0);
  }

  function drawVectors() {
    const now = state();
    const fresh = !moving;
    moving = false;
    if (compare) {
      compare.plane.fit(farthest([...now.keys, now.queries[selected()]]), fresh);
      compare.query.put(now.queries[selected()]);
      compare.keyArrow.put(now.keys[key]);
      compare.drawDots(now.keys);
      compare.plane.placeLabels([compare.query, compare.keyArrow]);
    }
    if (mix) {
      mix.plane.fit(farthest(now.values), fresh);
      mix.value.put(now.values[key]);
      mix.drawDots(now.values);
    }
    for (const row of Object.values(rows)) row.show();
    if (!session.model.get("in_page")) drawDiscs(); // else the answer is about to do it
    presetButtons.show();
    masks.show(session.maskName());
  }

  /** Around every key and value, by its weight for the followed query. */
  function drawDiscs() {
    const weights = weightsNow();
    const strongest = weights.reduce((top, weight) => Math.max(top, weight), 1e-12);
    const radius = (/** @type {number} */ k) => 22 * Math.sqrt(Math.max(0, weights[k]) / strongest);
    if (compare) setAttributes(compare.discs, { d: circles(compare.plane, state().keys, radius) });
    if (mix) setAttributes(mix.discs, { d: circles(mix.plane, state().values, radius) });
  }

  const weightsNow = () => (has() ? session.picture().weights[selected()] : tokens.map(() => 0));

  /** Circles around points, as the outline of one path. */
  function circles(
    /** @type {Plane} */ plane,
    /** @type {number[][]} */ points,
    /** @type {(index: number) => number} */ radius,
  ) {
    const round = (/** @type {number} */ value) => Math.round(value * 10) / 10;
    let outline = "";
    points.forEach((point, index) => {
      const r = round(radius(index));
      if (r === 0) return;
      const [x, y] = plane.pixel(point).map(round);
      outline += `M${x - r} ${y}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0`;
    });
    return outline;
  }

  function drawAnswer() {
    const [now, row, picture] = [stage(), selected(), session.picture()];
    const names = { who: shortened(tokens[row], 16), key: shortened(tokens[key], 16) };
    drawMap(now, row, picture, names);
    drawDiscs();
    if (mix) {
      mix.context.shown = has();
      mix.context.group.style.display = has() ? "" : "none";
      if (has()) mix.context.put(picture.context[row]);
      mix.plane.placeLabels([mix.context, mix.value]);
    }
    setText(captions.compare, filled(CROWD_TEXT.compare, names));
    setText(captions.mix, filled(CROWD_TEXT.mix, names));
    drawMost(weightsNow(), row, picture);
    who.show(row);
    at.show(key);
    stages.show(now);
    setText(words, filled(text.stage[now].words, { d: dK, root: readable(Math.sqrt(dK)) }));
    setText(functionName, session.model.get("function"));
    setText(trouble, session.model.get("error"));
    trouble.hidden = picture.works;
    body.classList.toggle("cl-stale", !picture.works && (now === "weights" || now === "context"));
    notes.replaceChildren(...session.model.get("notes").map((/** @type {string} */ note) => html("li", {}, note)));
    root.dataset.paintedSeq = String(picture.state.seq);
    showWaiting();
    announcer.say(session.words());
  }

  function drawMap(
    /** @type {string} */ now,
    /** @type {number} */ row,
    /** @type {any} */ picture,
    /** @type {Record<string, string>} */ names,
  ) {
    square.element.style.display = now === "context" ? "none" : "";
    wide.element.style.display = now === "context" ? "" : "none";
    const shown =
      now === "weights"
        ? picture.weights
        : now === "context"
          ? picture.context
          : now === "scores"
            ? picture.scores
            : picture.scaled;
    const top = farthest(has() || now !== "weights" ? shown : [[0]]);
    if (now === "context") wide.show(shown, { top, row });
    else {
      const mask = session.allowed(picture.state);
      square.signed = now !== "weights";
      const cells =
        now === "masked"
          ? shown.map((/** @type {number[]} */ line, /** @type {number} */ q) =>
              line.map((value, k) => (mask[q][k] ? value : NaN)),
            )
          : shown;
      square.show(cells, { top, row });
      square.pick(row, key);
    }
    const told = now === "context" ? CROWD_TEXT.mapContext : now === "weights" ? CROWD_TEXT.map : CROWD_TEXT.mapSigned;
    setText(caption, filled(told, { ...names, top: now === "weights" ? top.toPrecision(2) : readable(top) }));
  }

  function drawMost(/** @type {number[]} */ weights, /** @type {number} */ row, /** @type {any} */ picture) {
    setText(mostHead, filled(CROWD_TEXT.most, { who: shortened(tokens[row], 16) }));
    const order = weights.map((_, k) => k).sort((a, b) => weights[b] - weights[a] || a - b);
    const rest = order.slice(MOST).reduce((sum, k) => sum + weights[k], 0);
    most.forEach(({ line, name, how, result, share }, place) => {
      const k = order[place];
      const isRest = place === MOST;
      const weight = isRest ? rest : weights[k];
      line.dataset.key = String(k);
      /** @type {HTMLButtonElement} */ (line).disabled = isRest;
      setText(name, isRest ? filled(CROWD_TEXT.rest, { count: n - MOST }) : shortened(tokens[k], 16));
      setText(how, isRest ? "" : filled(CROWD_TEXT.score, { scaled: readable(picture.scaled[row][k]) }));
      setText(result, weight.toFixed(3));
      share.style.backgroundSize = `${Math.min(1, Math.max(0, weight)) * 100}% 100%`; // unlike a width, never laid out anew
    });
  }

  function showWaiting() {
    session.mark(root);
    setText(waiting, session.waitingWords());
  }

  const onSelected = () => drawVectors();
  session.model.on("change:selected", onSelected); // before the answer, which is drawn on the axes that this sets
  const stop = session.follow({ vectors: drawVectors, answer: drawAnswer, waiting: showWaiting });
  return () => {
    session.model.off("change:selected", onSelected);
    stop();
    leave();
  };
}
