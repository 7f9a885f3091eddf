// @ts-check
/** Maps painted on a canvas, for many numbers. */
import { cividisPixel, signedPixel } from "./colours.js";
import { html, setAttributes, setText } from "./elements.js";
import { cellReached, isCommand } from "./keys.js";

/**
 * A map of up to some hundred thousand numbers on a canvas. The arrow keys walk through it, and each cell is told in words.
 */
export class HeatMap {
  /**
   * @param {{label: string, rows: string[], columns: string[], rowName?: string, columnName?: string, signed?: boolean,
   *   tell: (row: number, column: number, value: number) => string,
   *   go?: (row: number, column: number) => void, act?: (row: number, column: number) => void,
   *   paint?: (canvas: HTMLCanvasElement) => void}} options
   *   tell: what a cell says; go: a cell was reached by key or click; act: it was clicked, or Enter or Space pressed;
   *   paint: draws more than one colour a cell.
   */
  constructor({ label, rows, columns, rowName = "", columnName = "", signed = false, tell, go, act, paint }) {
    this.rows = rows;
    this.columns = columns;
    this.signed = signed;
    this.tell = tell;
    this.go = go;
    this.act = act;
    this.paint = paint;
    /** @type {[number, number]} */
    this.at = [0, 0];
    this.under = [0, 0]; // the pointer, while the tip is shown
    /** @type {ArrayLike<number>[]} */
    this.values = [];
    this.top = 1;
    /** @type {{image: ImageData, pixels: Uint32Array, signed: boolean, top: number, rows: ArrayLike<number>[]} | null} */
    this.painted = null;
    const again = () => {
      this.painted = null;
      this.#paint();
    };
    this.canvas = /** @type {HTMLCanvasElement} */ (html("canvas", { class: "cl-canvas", contextrestored: again }));
    this.tip = html("div", { class: "cl-tip-text", hidden: true, "aria-hidden": "true" });
    this.cursor = html("div", { class: "cl-cursor", "aria-hidden": "true" });
    this.band = html("div", { class: "cl-band", "aria-hidden": "true", hidden: true });
    const place = html("div", { class: "cl-map-place" }, this.canvas, this.band, this.cursor);
    const some = (/** @type {string[]} */ names) => {
      const numbers = names.every((name) => /^\d+$/.test(name)); // every other one tells the rest
      const step = names.length > 24 ? Math.ceil(names.length / 12) : numbers && names.join("").length > 20 ? 2 : 1;
      return names.map((name, index) => (index % step ? "" : name));
    };
    const names = (/** @type {string[]} */ texts, /** @type {string} */ kind) =>
      html(
        "div",
        { class: `cl-map-${kind}`, "aria-hidden": "true" },
        ...some(texts).map((text, index) => html("span", { title: texts[index] }, text)),
      );
    this.place = place;
    this.element = html(
      "div",
      {
        class: `cl-map${columns.length > 24 || columns.some((name) => name.length > 3) ? " cl-steep" : ""}`,
        role: "application",
        "aria-roledescription": label,
        tabindex: 0,
        keydown: (event) => this.#key(event),
        focus: () => this.#mark(),
        blur: () => (this.tip.hidden = true),
      },
      html("span", { class: "cl-map-axis" }, rowName && columnName ? `${columnName} →\n${rowName} ↓` : ""),
      names(columns, "columns"),
      names(rows, "rows"),
      place,
      this.tip,
    );
    this.element.style.setProperty("--rows", String(rows.length));
    this.element.style.setProperty("--columns", String(columns.length));
    setAttributes(place, {
      pointerdown: (event) => this.#hover(event),
      pointermove: (event) => this.#hover(event),
      pointerleave: (event) => (this.tip.hidden ||= event.pointerType !== "touch"), // a finger leaves to let us read
      pointercancel: () => (this.tip.hidden = true), // it was scrolling
      click: (event) => {
        const cell = this.#cellUnder(event);
        this.#reach(cell);
        this.act?.(...cell);
      },
    });
  }

  /**
   * @param {ArrayLike<number>[]} values rows of numbers; a row that is the same array as before is not painted again
   * @param {{top?: number, row?: number | null}} [options] top: the size with the strongest colour; row: one to mark.
   */
  show(values, { top = 1, row = null } = {}) {
    this.values = values;
    this.top = top || 1;
    this.#paint();
    this.band.hidden = row === null;
    if (row !== null) this.band.style.setProperty("--row", String(row));
    this.#mark();
    if (!this.tip.hidden) this.#tellUnder();
  }

  #paint() {
    if (this.paint) {
      this.paint(this.canvas);
      return;
    }
    const [height, width] = [this.rows.length, this.columns.length];
    const { values, top, signed } = this;
    const context = /** @type {CanvasRenderingContext2D} */ (this.canvas.getContext("2d"));
    if (!this.painted) {
      Object.assign(this.canvas, { width, height });
      const image = context.createImageData(width, height);
      this.painted = { image, pixels: new Uint32Array(image.data.buffer), signed, top, rows: [] };
    }
    const { image, pixels, ...then } = this.painted;
    const sameColours = then.signed === signed && then.top === top;
    let [first, last] = [height, -1];
    for (let r = 0; r < height; r++) {
      const row = values[r];
      if (sameColours && row === then.rows[r]) continue;
      for (let c = 0, at = r * width; c < width; c++, at++) {
        const share = row[c] / top;
        if (Number.isNaN(share))
          pixels[at] = 0; // clear
        else pixels[at] = signed ? signedPixel(share) : cividisPixel(share);
      }
      [first, last] = [Math.min(first, r), r];
    }
    Object.assign(this.painted, { signed, top, rows: values.slice() });
    if (last >= 0) context.putImageData(image, 0, 0, 0, first, width, last + 1 - first);
  }

  /** Mark a cell from outside. @param {number} row @param {number} column */
  pick(row, column) {
    this.at = [row, column];
    this.#mark();
  }

  #mark() {
    const [row, column] = this.at;
    this.cursor.style.setProperty("--row", String(row));
    this.cursor.style.setProperty("--column", String(column));
    this.element.setAttribute("aria-label", this.#words(row, column));
  }

  /** @param {number} row @param {number} column */
  #words(row, column) {
    return this.values.length ? this.tell(row, column, this.values[row][column]) : "";
  }

  /** @param {PointerEvent | MouseEvent} event @returns {[number, number]} */
  #cellUnder(event) {
    const box = this.place.getBoundingClientRect();
    const part = (/** @type {number} */ at, /** @type {number} */ size, /** @type {number} */ count) =>
      Math.min(count - 1, Math.max(0, Math.floor((at / size) * count)));
    return [
      part(event.clientY - box.top, box.height, this.rows.length),
      part(event.clientX - box.left, box.width, this.columns.length),
    ];
  }

  /** @param {PointerEvent} event */
  #hover(event) {
    this.under = this.#cellUnder(event);
    this.#tellUnder();
    const box = this.element.getBoundingClientRect();
    this.tip.style.left = `${Math.min(event.clientX - box.left + 12, Math.max(0, box.width - 190))}px`;
    this.tip.style.top = `${event.clientY - box.top + 14}px`;
    this.tip.hidden = false;
  }

  #tellUnder() {
    setText(this.tip, this.#words(this.under[0], this.under[1]));
  }

  /** @param {[number, number]} cell */
  #reach(cell) {
    this.at = cell;
    this.#mark();
    this.go?.(...cell);
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (isCommand(event)) return;
    const size = /** @type {[number, number]} */ ([this.rows.length, this.columns.length]);
    const reached = cellReached(event.key, this.at, size, event.shiftKey ? 8 : 1);
    if (event.key === "Enter" || event.key === " ") this.act?.(...this.at);
    else if (reached) this.#reach(reached);
    else return;
    event.preventDefault();
  }
}

/**
 * Paint many small maps side by side, each on its own scale.
 * @param {HTMLCanvasElement} canvas @param {number} perRow @param {Float32Array[]} maps @param {number} width of one
 */
export function paintMaps(canvas, perRow, maps, width) {
  const height = maps[0].length / width;
  const size = Math.ceil(24 / Math.max(width, height)); // pixels a cell: the gap of one pixel stays thin beside small maps
  const [across, down] = [width * size + 1, height * size + 1];
  Object.assign(canvas, { width: perRow * across - 1, height: Math.ceil(maps.length / perRow) * down - 1 });
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const image = context.createImageData(canvas.width, canvas.height);
  const pixels = new Uint32Array(image.data.buffer);
  maps.forEach((map, index) => {
    const top = map.reduce((most, value) => Math.max(most, value), 1e-9);
    const [left, above] = [(index % perRow) * across, Math.floor(index / perRow) * down];
    map.forEach((value, number) => {
      const colour = cividisPixel(value / top);
      const start = (above + Math.floor(number / width) * size) * canvas.width + left + (number % width) * size;
      for (let row = 0; row < size; row++)
        pixels.fill(colour, start + row * canvas.width, start + row * canvas.width + size);
    });
  });
  context.putImageData(image, 0, 0);
}
