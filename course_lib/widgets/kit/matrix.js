// @ts-check
/** A matrix of coloured, numbered cells, for few tokens. */
import { html, setAttributes, setText } from "./elements.js";
import { cellReached, isCommand } from "./keys.js";

const PARTS_OF_CELL = /** @type {const} */ (["text", "fill", "ink", "state", "name"]);

/**
 * A matrix of coloured, numbered cells with labels; arrow keys walk through it.
 * @typedef {{text: string, fill?: string, ink?: string, state?: string, name: string}} Cell
 */
export class Matrix {
  /**
   * @param {{label: string, rows: string[], columns: string[], rowKind?: string, columnKind?: string,
   *   go?: (row: number, column: number) => void, act?: (row: number, column: number) => void}} options
   *   go: a cell was reached; act: it was clicked, or Enter or Space pressed on it.
   */
  constructor({ label, rows, columns, rowKind = "", columnKind = "", go, act }) {
    /** @type {[number, number]} */
    this.at = [0, 0];
    /** @type {[number, number]} */
    this.size = [rows.length, columns.length];
    /** @type {Cell[][]} */
    this.shown = [];
    this.go = go;
    this.act = act;
    const heads = columns.map((name) =>
      html("div", { class: `cl-head-cell cl-${columnKind}`, role: "columnheader", title: name }, name),
    );
    this.rowHeads = rows.map((name, row) =>
      html(
        "div",
        { class: `cl-row-head cl-${rowKind}`, role: "rowheader", title: name, click: () => go?.(row, this.at[1]) },
        name,
      ),
    );
    this.cells = rows.map((_, row) =>
      columns.map((_, column) =>
        html("div", {
          class: "cl-cell",
          role: "gridcell",
          tabindex: row + column === 0 ? 0 : -1,
          click: () => {
            this.#reach(row, column);
            this.act?.(row, column);
          },
          focus: () => this.#arrive(row, column),
        }),
      ),
    );
    this.element = html(
      "div",
      { class: "cl-matrix", role: "grid", "aria-label": label, keydown: (event) => this.#key(event) },
      html("div", { class: "cl-row", role: "row" }, html("div", { class: "cl-corner" }), ...heads),
      ...this.cells.map((cells, row) => html("div", { class: "cl-row", role: "row" }, this.rowHeads[row], ...cells)),
    );
    this.element.style.setProperty("--columns", String(columns.length));
  }

  /** @param {Cell[][]} rows @param {number} selected the row that is followed */
  show(rows, selected) {
    rows.forEach((cells, row) => {
      this.rowHeads[row].parentElement?.classList.toggle("cl-selected", row === selected);
      cells.forEach((cell, column) => {
        const before = this.shown[row]?.[column];
        if (before && PARTS_OF_CELL.every((part) => before[part] === cell[part])) return;
        const element = this.cells[row][column];
        setText(element, cell.text);
        element.style.background = cell.fill ?? "";
        element.style.color = cell.ink ?? "";
        setAttributes(element, { "data-is": cell.state ?? "", "aria-label": cell.name });
      });
    });
    this.shown = rows;
  }

  /** @param {number} row @param {number} column */
  #arrive(row, column) {
    if (this.at[0] === row && this.at[1] === column) return;
    this.cells[this.at[0]][this.at[1]].tabIndex = -1;
    this.cells[row][column].tabIndex = 0;
    this.at = [row, column];
    this.go?.(row, column);
  }

  /** @param {number} row @param {number} column */
  #reach(row, column) {
    this.#arrive(row, column);
    this.cells[row][column].focus({ preventScroll: true });
    this.go?.(row, column);
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (isCommand(event) || event.shiftKey) return;
    const reached = cellReached(event.key, this.at, this.size);
    if (event.key === "Enter" || event.key === " ") this.act?.(...this.at);
    else if (reached) this.#reach(...reached);
    else return;
    event.preventDefault();
  }
}
