/** The first picture: the arrow of one word, to be dragged, and how much it then takes from each of three words. */

/** @typedef {{ name: string, key: [number, number], colour: string }} Word */

// Keys lie in a plane.
/** @type {Word[]} */
export const WORDS = [
  { name: "cat", key: [1.1, 0.75], colour: "cat" },
  { name: "mat", key: [-1.1, 0.75], colour: "mat" },
  { name: "it", key: [0, -1.15], colour: "it" },
];
const SENTENCE = ["The", "cat", "sat on the", "mat", "and", "it", "was warm."];
const START = /** @type {[number, number]} */ ([0.35, 1.15]);
const REACH = 2; // how far the arrow can be pulled
const STEP = 0.1;
const LINE = 112; // where the sentence stands
const SPACE = 5;
const WIDTH = 440;
const PLANE = { x: 138, y: 254, unit: 58 };
const BARS = { x: 288, y: 206, width: 126, gap: 46 };

/**
 * Attention of one query: shares that are positive and sum to 1, by how well the query fits each key.
 * @param {[number, number]} query
 * @param {[number, number][]} keys
 * @returns {number[]}
 */
export function attend(query, keys) {
  const scores = keys.map((key) => 2 * (query[0] * key[0] + query[1] * key[1]));
  const most = Math.max(...scores);
  const shares = scores.map((score) => Math.exp(score - most));
  const sum = shares.reduce((total, share) => total + share, 0);
  return shares.map((share) => share / sum);
}

/**
 * A query that the arrow can show: no longer than `REACH`.
 * @param {number} x
 * @param {number} y
 * @returns {[number, number]}
 */
export function within(x, y) {
  const length = Math.hypot(x, y);
  const scale = length > REACH ? REACH / length : 1;
  return [x * scale, y * scale];
}

/**
 * What a screen reader says of the shares.
 * @param {number[]} shares
 */
export function said(shares) {
  return WORDS.map((word, index) => `${word.name} ${Math.round(100 * shares[index])} percent`).join(", ");
}

/**
 * @param {string} tag
 * @param {Record<string, string | number>} [attributes]
 * @param {string} [text]
 */
function draw(tag, attributes = {}, text = "") {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  element.textContent = text;
  return element;
}

/**
 * Draw the picture into an element.
 * @param {HTMLElement} root
 */
function show(root) {
  const picture = /** @type {SVGSVGElement} */ (draw("svg", { viewBox: `0 0 ${WIDTH} 370`, role: "group" }));
  picture.setAttribute("aria-label", "The cat sat on the mat and it was warm: what does it mean?");
  const arcs = WORDS.map(({ colour }) => draw("path", { class: `arc ${colour}` }));
  const sentence = SENTENCE.map((text) => {
    const word = WORDS.find(({ name }) => name === text);
    const style = word ? `word ${word.colour}` : "others";
    return /** @type {SVGTextElement} */ (draw("text", { class: style, y: LINE, "text-anchor": "middle" }, text));
  });
  picture.append(...arcs, ...sentence);

  for (const { name, key, colour } of WORDS) {
    const [x, y] = [PLANE.x + key[0] * PLANE.unit, PLANE.y - key[1] * PLANE.unit];
    const place = { x: PLANE.x + key[0] * 1.28 * PLANE.unit, y: PLANE.y - key[1] * 1.32 * PLANE.unit + 6 };
    picture.append(
      draw("line", { class: `ray ${colour}`, x1: PLANE.x, y1: PLANE.y, x2: x, y2: y }),
      draw("circle", { class: `spot ${colour}`, cx: x, cy: y, r: 6 }),
      draw("text", { class: `word ${colour}`, ...place, "text-anchor": "middle" }, name),
    );
  }
  const query = draw("line", { class: "query", x1: PLANE.x, y1: PLANE.y });
  const handle = draw("g", {
    class: "handle",
    tabindex: 0,
    role: "slider",
    "aria-label": "Where the word it looks; the arrow keys turn it",
    "aria-valuemin": 0,
    "aria-valuemax": 100,
  });
  const grip = draw("g", { class: "hint" });
  grip.append(draw("circle", { r: 22, style: "fill: transparent; stroke: none" }), draw("circle", { r: 11 }));
  handle.append(grip);

  const bars = WORDS.map(({ name, colour }, index) => {
    const y = BARS.y + index * BARS.gap;
    const bar = draw("rect", { class: `bar ${colour}`, x: BARS.x, y: y + 8, height: 14, rx: 4 });
    const number = draw("text", { class: "number", x: BARS.x + BARS.width, y, "text-anchor": "end" });
    picture.append(
      draw("text", { class: `word ${colour}`, x: BARS.x, y }, name),
      draw("rect", { class: "track", x: BARS.x, y: y + 8, width: BARS.width, height: 14, rx: 4 }),
      bar,
      number,
    );
    return { bar, number };
  });
  picture.append(
    draw("text", { class: "number others", x: BARS.x, y: BARS.y - 34 }, "it takes from"),
    draw("text", { class: "number others", x: BARS.x, y: BARS.y + 3 * BARS.gap }, "together always 1"),
    query,
    handle,
  );

  let at = START;
  function update() {
    const shares = attend(
      at,
      WORDS.map((word) => word.key),
    );
    const [x, y] = [PLANE.x + at[0] * PLANE.unit, PLANE.y - at[1] * PLANE.unit];
    query.setAttribute("x2", String(x));
    query.setAttribute("y2", String(y));
    handle.setAttribute("transform", `translate(${x} ${y})`);
    handle.setAttribute("aria-valuenow", String(Math.round(100 * shares[0])));
    handle.setAttribute("aria-valuetext", said(shares));
    shares.forEach((share, index) => {
      arcs[index].setAttribute("stroke-width", String(0.5 + 14 * share));
      arcs[index].setAttribute("opacity", String(0.25 + 0.75 * share));
      bars[index].bar.setAttribute("width", String(BARS.width * share));
      bars[index].number.textContent = share.toFixed(2);
    });
    picture.dataset.shares = shares.map((share) => share.toFixed(3)).join(" ");
  }

  /** @param {PointerEvent} event */
  function follow(event) {
    const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(picture.getScreenCTM()?.inverse());
    at = within((point.x - PLANE.x) / PLANE.unit, (PLANE.y - point.y) / PLANE.unit);
    update();
  }
  handle.addEventListener("pointerdown", (event) => {
    const pointer = /** @type {PointerEvent} */ (event);
    handle.setPointerCapture(pointer.pointerId);
    grip.classList.remove("hint");
  });
  // A finger on the handle drags it; anywhere else on the picture it scrolls the page.
  handle.addEventListener("touchstart", (event) => event.preventDefault(), { passive: false });
  handle.addEventListener("pointermove", (event) => {
    const pointer = /** @type {PointerEvent} */ (event);
    if (handle.hasPointerCapture(pointer.pointerId)) follow(pointer);
  });
  handle.addEventListener("keydown", (event) => {
    const { key, shiftKey } = /** @type {KeyboardEvent} */ (event);
    const step = shiftKey ? 4 * STEP : STEP;
    const [dx, dy] = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, step], ArrowDown: [0, -step] }[
      key
    ] ?? [0, 0];
    if (!dx && !dy) return;
    event.preventDefault();
    grip.classList.remove("hint");
    at = within(at[0] + dx, at[1] + dy);
    update();
  });
  update();
  root.replaceChildren(picture);
  setSentence(sentence, arcs);
}

/**
 * Set the words of the sentence side by side, as wide as this computer's letters are, and the arcs above them.
 * @param {SVGTextElement[]} sentence
 * @param {Element[]} arcs from "it" to each of the words
 */
function setSentence(sentence, arcs) {
  const widths = sentence.map((text) => text.getComputedTextLength());
  const all = widths.reduce((total, width) => total + width + SPACE, -SPACE);
  /** @type {Record<string, number>} */
  const middles = {};
  let x = (WIDTH - all) / 2;
  sentence.forEach((text, index) => {
    middles[SENTENCE[index]] = x + widths[index] / 2;
    text.setAttribute("x", String(middles[SENTENCE[index]]));
    x += widths[index] + SPACE;
  });
  WORDS.forEach(({ name }, index) => {
    const apart = name === "it" ? 12 : 0; // its own arc leaves and comes back
    const [from, to] = [middles.it - apart, middles[name] + apart];
    const top = LINE - 20 - (apart ? 46 : 28 + 0.2 * (from - to));
    arcs[index].setAttribute("d", `M${from} ${LINE - 20} C${from} ${top} ${to} ${top} ${to} ${LINE - 20}`);
  });
}

const root = globalThis.document?.getElementById("triple");
if (root) show(root);
