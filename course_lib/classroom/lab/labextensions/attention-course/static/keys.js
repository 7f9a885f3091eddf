/**
 * Shift+Enter goes on from a question, a quiz, or a widget that was touched: running the cell once more would wipe what the
 * learner did there. Code that was changed runs, and Ctrl+Enter runs whatever there is. It goes past what is folded, too:
 * JupyterLab would unfold it.
 */

import { ASKS, notebooks } from "./cells.js";

const WIDGET = ".cl";
const ASKING = ".course-quiz .quiz-row, .course-buttons";

/** Cells with a widget that was touched; another one that runs may have changed what it shows. @type {WeakSet<any>} */
let touched = new WeakSet();
/** Cells of questions that have run. @type {WeakSet<any>} */
const asked = new WeakSet();

/**
 * @param {any} app
 * @param {any} shared JupyterLab's packages
 */
export async function goOn(app, shared) {
  const panel = () => (app.shell.currentWidget?.content?.activeCellChanged ? app.shell.currentWidget : null);
  const touch = (/** @type {Event} */ event) => {
    const target = /** @type {Element} */ (event.target);
    const root = target.closest?.(WIDGET) && target.closest(".jp-CodeCell");
    const cell = root && panel()?.content.widgets.find((/** @type {any} */ one) => one.node === root);
    if (cell && !isShiftEnter(event)) touched.add(cell);
  };
  const decide = (/** @type {Event} */ event) => {
    const target = /** @type {Element} */ (event.target);
    const { content } = panel() ?? {};
    if (!content?.activeCell || !isShiftEnter(event) || target.closest(".cm-content, .jp-Dialog")) return;
    const lost = target === document.body; // a button that had the focus is gone
    if (!lost && !content.node.contains(target)) return;
    const cell = content.activeCell;
    const isFolded = cell.headingCollapsed && cell.rendered;
    const stays = isFolded || ((touched.has(cell) || isAlive(cell)) && !cell.model.isDirty);
    if (!stays && !lost) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    void app.commands.execute(stays ? "notebook:move-cursor-down" : "notebook:run-cell-and-select-next");
    content.activate();
  };
  for (const kind of ["pointerdown", "keydown", "input"]) addEventListener(kind, touch, { capture: true });
  addEventListener("keydown", decide, { capture: true }); // the window's turn is before JupyterLab's
  const actions = (await notebooks(shared))?.NotebookActions;
  actions?.executed.connect((/** @type {any} */ _, /** @type {any} */ { cell }) => {
    if (isQuestion(cell)) asked.add(cell);
    else touched = new WeakSet();
  });
}

/**
 * Once Python is started anew, nothing on a notebook's page answers any more: its cells run again.
 * @param {any} panel
 */
export function forgetWithKernel(panel) {
  const forget = () => {
    touched = new WeakSet();
    for (const cell of panel.content.widgets) asked.delete(cell);
  };
  panel.sessionContext.kernelChanged.connect(forget);
  panel.sessionContext.statusChanged.connect((/** @type {any} */ _, /** @type {string} */ status) => {
    if (/restarting|dead/.test(status)) forget();
  });
}

/** @param {any} cell */
const isQuestion = (cell) => cell.hasClass(ASKS) || /^quiz\(/m.test(cell.model.sharedModel.getSource());

/** @param {any} cell */
const isAlive = (cell) => asked.has(cell) && isQuestion(cell) && cell.node.querySelector(ASKING);

/** @param {any} event */
const isShiftEnter = (event) =>
  event.type === "keydown" &&
  event.key === "Enter" &&
  event.shiftKey &&
  !event.ctrlKey &&
  !event.metaKey &&
  !event.altKey;
