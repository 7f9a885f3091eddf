/**
 * Cells that run by themselves as a learner's notebook is opened (its imports, guesses and panels, tagged `at-open`), a bar that
 * offers to run the cells above where Python is new and the learner is further on, and verdicts brought into view.
 */

const AT_OPEN = "at-open";
const KEPT = "keep_output"; // questions and panels
export const ASKS = "attention-course-asks"; // class of a cell that is a question or a panel: its folded code need not show
const SHOWN_MS = 150; // between two looks at a kernel
const HANDS = ["wheel", "pointerdown", "keydown"];
const DRAWN_MS = [150, 500, 1000]; // a verdict is drawn at once, a widget later
const OPTIONS = ".course-quiz :is(textarea, .quiz-row > button):enabled"; // to answer with, of all questions
const OFFERED = "_course_offers_cells_above"; // in IPython's shell: a learner has answered neither yes nor no
const KERNEL_MS = 60_000; // as long as a kernel may take to start

const TEXT = {
  new: "Python was started anew.",
  run: "Run the cells above",
  close: "Not now",
};

/** @param {any} cell @param {string} tag */
const has = (cell, tag) => (cell.model.getMetadata("tags") ?? []).includes(tag);

/** @param {any} cell */
const isAtOpen = (cell) => cell.model.type === "code" && has(cell, AT_OPEN);

/** JupyterLab's own package of notebooks. @param {any} shared */
export const notebooks = (shared) => of(shared, "@jupyterlab/notebook");

/**
 * A package of JupyterLab's own.
 * @param {any} shared @param {string} name
 */
async function of(shared, name) {
  const versions = Object.values(shared?.[name] ?? {});
  return versions.length ? (await versions[0].get())() : null;
}

/**
 * The number that the next cell will have in a notebook's kernel: 1 where nothing has run yet, NaN where none answers; and
 * whether cells above are still offered to be run.
 * @param {any} panel
 */
async function askKernel(panel) {
  await panel.sessionContext.ready;
  const context = panel.sessionContext;
  for (let waited = 0; context.session?.kernel?.connectionStatus !== "connected"; waited += SHOWN_MS) {
    if (waited > KERNEL_MS || panel.isDisposed) return { next: Number.NaN, offered: false };
    await new Promise((resolve) => setTimeout(resolve, SHOWN_MS));
  }
  const { kernel } = context.session;
  const asked = { next: "get_ipython().execution_count", offered: `getattr(get_ipython(), "${OFFERED}", False)` };
  const reply = await kernel.requestExecute({ code: "", silent: true, user_expressions: asked }).done;
  const { next, offered } = reply.content.user_expressions ?? {};
  return { next: Number(next?.data?.["text/plain"]), offered: offered?.data?.["text/plain"] === "True" };
}

/**
 * Let a learner's first cell have the number it would have had: those of questions that ran as the page opened are not seen.
 * Where the learner was faster, numbers stay. (In IPython's history, where a number stands once in a session, a new one begins.)
 * @param {number} now the number that comes next, if nothing else ran
 * @param {number} next the number wanted
 * @param {any} panel
 */
function countFrom(now, next, panel) {
  const history = "get_ipython().history_manager";
  const anew = `${history}.end_session(); ${history}.new_session(); get_ipython().execution_count = ${next}`;
  if (next) tellKernel(panel, `if get_ipython().execution_count == ${now}: ${anew}`);
}

/** @param {any} panel @param {string} code */
function tellKernel(panel, code) {
  void panel.sessionContext.session?.kernel?.requestExecute({ code, silent: true });
}

/**
 * Run what a notebook of the course needs, and say so where more has to run.
 * @param {any} app
 * @param {any} panel of a notebook, at the cell where it was left
 * @param {any} shared JupyterLab's packages
 */
export async function begin(app, panel, shared) {
  if (!panel.model.getMetadata("course")) return;
  const { content, sessionContext } = panel;
  for (const cell of content.widgets) if (isAtOpen(cell) && has(cell, KEPT)) cell.addClass(ASKS);
  const { next, offered } = await askKernel(panel);
  const fresh = next === 1;
  // Where Python went on while the page was away, only questions and panels come alive again.
  const cells = content.widgets.filter((/** @type {any} */ cell) => isAtOpen(cell) && (fresh || has(cell, KEPT)));
  const above = content.widgets
    .slice(0, content.activeCellIndex)
    .some((/** @type {any} */ cell) => cell.model.executionCount && !isAtOpen(cell));
  if ((fresh && above) || offered) await offer(app, panel, shared);
  const notebook = await notebooks(shared);
  if (!notebook?.NotebookActions.runCells) return;
  await notebook.NotebookActions.runCells(content, cells, sessionContext);
  const seen = cells.filter((/** @type {any} */ cell) => !has(cell, KEPT)).length;
  countFrom(next + cells.length, fresh ? Math.max(2, seen + 1) : next, panel);
}

/** @param {any} app @param {any} panel @param {any} shared */
async function offer(app, panel, shared) {
  const lumino = await of(shared, "@lumino/widgets");
  if (!lumino || !panel.contentHeader) return;
  const node = document.createElement("div");
  node.setAttribute("role", "status");
  node.style.cssText =
    "display:flex;gap:8px;align-items:center;padding:2px 12px;min-height:40px;overflow:auto;color:var(--jp-ui-font-color1);" +
    "background:var(--jp-layout-color2);border-left:4px solid var(--jp-brand-color1);font-size:var(--jp-ui-font-size1)";
  const bar = new lumino.Widget({ node });
  tellKernel(panel, `get_ipython().${OFFERED} = True`); // also when the page is left, and comes back
  const close = () => {
    tellKernel(panel, `get_ipython().${OFFERED} = False`);
    bar.dispose();
  };
  const button = (/** @type {string} */ text, /** @type {() => void} */ act) => {
    const made = document.createElement("button");
    made.className = `jp-Dialog-button jp-mod-styled ${text === TEXT.run ? "jp-mod-accept" : "jp-mod-reject"}`;
    made.style.cssText = "flex:none;white-space:nowrap;width:auto;margin:0";
    made.textContent = text;
    made.addEventListener("click", () => {
      act();
      close();
    });
    return made;
  };
  const { content } = panel;
  const back = () => content.scrollToItem(content.activeCellIndex, "start").catch(() => {});
  const run = () => void app.commands.execute("notebook:run-all-above").then(back);
  const text = document.createElement("span");
  text.textContent = TEXT.new;
  node.append(
    text,
    button(TEXT.run, run),
    button(TEXT.close, () => {}),
  );
  bar.id = `attention-course-new-${panel.id}`;
  panel.contentHeader.addWidget(bar);
  panel.sessionContext.statusChanged.connect((/** @type {any} */ _, /** @type {string} */ status) => {
    if (status === "restarting" && !bar.isDisposed) close();
  });
}

/**
 * What the question that a quiz shows is answered with first.
 * @param {Element} node of a cell
 */
function firstOption(node) {
  const options = /** @type {HTMLElement[]} */ ([...node.querySelectorAll(OPTIONS)]);
  return options.find((option) => option.offsetParent);
}

/**
 * Whether a person took hold of a part of the page since: who reads or drags there is not carried elsewhere.
 * @param {Element} node
 */
export function watchHands(node) {
  const came = (/** @type {Event} */ event) => {
    hands.came ||= event.type === "keydown" || node.contains(/** @type {Node} */ (event.target));
  };
  const end = () => {
    for (const kind of HANDS) removeEventListener(kind, came, { capture: true });
  };
  const hands = { came: false, end };
  for (const kind of HANDS) addEventListener(kind, came, { capture: true });
  return hands;
}

/**
 * After a cell ran, bring its verdict or its widget's goal into view, and the hand into its quiz: JupyterLab goes on to the
 * next cell, below it.
 * @param {any} shared
 */
export async function keepInView(shared) {
  const package_ = await notebooks(shared);
  package_?.NotebookActions.executed.connect(async (/** @type {any} */ _, /** @type {any} */ { notebook, cell }) => {
    const index = notebook.widgets.indexOf(cell);
    const hands = watchHands(notebook.node);
    setTimeout(hands.end, 2 * DRAWN_MS.reduce((all, wait) => all + wait));
    for (const wait of DRAWN_MS) {
      await new Promise((resolve) => setTimeout(resolve, wait));
      const pane = cell.isDisposed ? null : cell.node.closest(".jp-WindowedPanel-outer");
      const option = pane && firstOption(cell.node);
      const asks = option ?? (pane && cell.node.querySelector("[data-outcome], .cl-goal"));
      if (!asks) continue;
      if (Math.abs(notebook.activeCellIndex - index) > 1) return; // one of many that were run together
      if (option) {
        notebook.activeCellIndex = index;
        const answer = () => {
          const waits = document.activeElement?.matches(".jp-Cell") && notebook.activeCellIndex === index;
          if (waits) firstOption(cell.node)?.focus();
        };
        for (const later of DRAWN_MS) setTimeout(answer, later); // JupyterLab puts the focus on the cell, more than once
      }
      const whole = asks.matches(".cl-goal") ? asks.parentElement : cell.node;
      const [seen, shown] = [pane.getBoundingClientRect(), whole.getBoundingClientRect()];
      if (hands.came) return;
      if (shown.top < seen.top || shown.bottom > seen.bottom) {
        whole.scrollIntoView({ block: shown.height < seen.height ? "center" : "start" });
      }
      return;
    }
  });
}
