/**
 * A widget whose model the page did not get gives way to the picture beside it. JupyterLab asks the kernel for all widgets as a
 * page opens, and waits only some seconds: where the kernel was busy, it writes "Error displaying widget" and asks no more.
 */

const VIEW = "application/vnd.jupyter.widget-view+json";
const DEAD = "Error displaying widget";
const LOOKS_MS = [1000, 2000, 4000, 8000];
const REST = "At rest. It moves again once its cell has run.";

/**
 * Look after the widgets of a notebook that was just opened: draw the dead ones anew, and let those that stay dead rest.
 * @param {any} panel
 */
export async function mendViews(panel) {
  for (const [look, wait] of LOOKS_MS.entries()) {
    await new Promise((resolve) => setTimeout(resolve, wait));
    if (panel.isDisposed) return;
    const last = look === LOOKS_MS.length - 1;
    for (const cell of panel.content.widgets) {
      if (!isDead(cell)) continue;
      const { model } = cell.outputArea;
      const outputs = model.toJSON();
      model.fromJSON(last ? outputs.flatMap(atRest) : outputs);
    }
  }
}

/** @param {any} cell */
const isDead = (cell) => cell.model.type === "code" && cell.outputArea?.node.textContent.includes(DEAD);

/**
 * What stays of an output without its widget.
 * @param {any} output
 */
function atRest(output) {
  if (!output.data?.[VIEW]) return [output];
  const { [VIEW]: _, "text/plain": __, ...data } = output.data;
  const note = { output_type: "display_data", data: { "text/plain": REST }, metadata: {} };
  return Object.values(data).some(Boolean) ? [{ ...output, data }, note] : [note];
}
