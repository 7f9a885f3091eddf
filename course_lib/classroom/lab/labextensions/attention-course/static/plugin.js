/**
 * The course's plugin of JupyterLab: a notebook opens where it was left, an address or a link that ends in `#cell-id=…` opens it
 * at that cell, tabs tell exercises from the lesson, and a link leads home. `cells.js` runs what a notebook needs as it is opened.
 */

import { ASKS, begin, keepInView, notebooks, watchHands } from "./cells.js";
import { mendViews } from "./dead_views.js";
import { forgetWithKernel, goOn } from "./keys.js";

const EXERCISES = "attention-course-exercises"; // class of a tab
const OWN_EXERCISES = /(^|\/)exercises\/[^/]+$/; // by their path
const LEFT = "attention-course:left:"; // in this browser's storage, by the notebook's path: the cell
const RESTED_MS = 8000; // in one cell: the course's home page continues there
const [STEPS, STEP_MS, SEEN] = [150, 400, 5]; // cells above are drawn one by one, for seconds where the computer is busy
const LINK = "rendermime:handle-local-link"; // JupyterLab's command for a link from one notebook to another
const FRONT_MS = 300; // until a tab that was brought to the front has the focus
const LINE = "54rem"; // a line of text, so that the eye finds the next one on a wide screen
const ROOMY = 1600; // pixels from which two notebooks have room beside the list of files

/** @type {any} */
let shared; // JupyterLab's own packages, where they are given

/** @param {any} packages */
export function share(packages) {
  shared = packages;
}

/**
 * Go to a cell of a notebook, if there is such a cell.
 * @param {any} panel of a notebook
 * @param {string} cell its id
 * @param {() => void} [there] called once the cell is the active one, or is known not to exist; drawing it takes longer
 */
async function goTo(panel, cell, there) {
  await panel.context.ready;
  await panel.revealed;
  const { content } = panel;
  const index = content.widgets.findIndex((/** @type {any} */ one) => one.model.id === cell);
  const actions = (await notebooks(shared))?.NotebookActions;
  there?.();
  if (index < 0) return;
  content.activeCellIndex = index;
  const hands = watchHands(panel.node);
  for (let step = 0, seen = 0; step < STEPS && seen < SEEN; step += panel.isVisible ? 1 : 0) {
    await new Promise((resolve) => setTimeout(resolve, step || !panel.isVisible ? STEP_MS : 0));
    if (hands.came || panel.isDisposed || content.activeCellIndex !== index) break;
    if (!panel.isVisible) continue; // behind another tab: nothing is drawn there
    unfold(actions, content, index);
    seen = isAtTop(content, index) ? seen + 1 : 0;
    if (!seen) void content.scrollToItem(index, "start").catch(() => {}); // JupyterLab itself was asked to scroll elsewhere
  }
  hands.end();
}

/**
 * Whether a cell begins in the upper half of what is seen.
 * @param {any} content
 * @param {number} index
 */
function isAtTop(content, index) {
  const pane = content.outerNode?.getBoundingClientRect() ?? content.node.getBoundingClientRect();
  const { node } = content.widgets[index];
  const top = node.getBoundingClientRect().top - pane.top;
  return node.isConnected && node.offsetParent !== null && top > -5 && top < pane.height / 2;
}

/**
 * Open the headings under which a cell is folded away. (JupyterLab's own expandParent does so for code only, and only once
 * all headings are drawn.)
 * @param {any} actions JupyterLab's, on notebooks
 * @param {any} content
 * @param {number} index the cell's
 */
function unfold(actions, content, index) {
  let level = levelOf(content.widgets[index]);
  for (const cell of content.widgets.slice(0, index).reverse()) {
    if (levelOf(cell) >= level) continue;
    level = levelOf(cell);
    if (cell.headingCollapsed) actions?.setHeadingCollapse(cell, false, content);
  }
}

/**
 * Of the heading that a cell begins with; 7 for none.
 * @param {any} cell
 */
function levelOf(cell) {
  const heading = cell.model.type === "markdown" && /^(#{1,6}) /.exec(cell.model.sharedModel.getSource());
  return heading ? heading[1].length : 7;
}

/** Cells to go to in notebooks that are being opened, by path: asked for by a link or a button. @type {Map<string, string>} */
const wanted = new Map();

/**
 * Open a notebook at a cell.
 * @param {any} app
 * @param {{path: string, cell?: string, mode?: string, ref?: string}} asked mode and ref: where to, if it is not open yet
 */
async function open(app, { path, cell, mode, ref }) {
  if (cell) wanted.set(path, cell);
  if (mode?.startsWith("split") && globalThis.innerWidth < ROOMY) app.shell.collapseLeft?.();
  const panels = [...(app.shell.widgets?.("main") ?? [])];
  const shown = OWN_EXERCISES.test(path) && panels.find(isExercises); // one pane for all exercises
  const options = mode && shown ? { mode: "tab-after", ref: shown.id } : mode ? { mode, ref } : {};
  const panel = await app.commands.execute("docmanager:open", { path, options });
  if (panel && cell) await goTo(panel, cell);
  wanted.delete(path);
  return panel;
}

/**
 * The cell that the end of an address asks for, or "".
 * @param {string | undefined} hash
 */
function cellOf(hash) {
  return decodeURIComponent(/^#cell-id=(.+)$/.exec(hash ?? "")?.[1] ?? "");
}

/** The notebook that the address asks for, and its cell or "", before JupyterLab tidies the address. */
function asked() {
  const path = /\/(?:tree|notebooks)\/(.+\.ipynb)$/.exec(globalThis.location.pathname);
  return path && { cell: cellOf(globalThis.location.hash), path: decodeURIComponent(path[1]) };
}

/**
 * Put a notebook that the home page opened where a lesson would: exercises in the pane of exercises or right of their lesson,
 * a lesson in the pane of lessons.
 * @param {any} app
 * @param {any} panel
 */
function settle(app, panel) {
  const others = [...(app.shell.widgets?.("main") ?? [])].filter((one) => one !== panel && isNotebook(one));
  const like = others.find((one) => isExercises(one) === isExercises(panel));
  const lesson = others.find(
    (one) => one.context.path === panel.context.path.replace(/exercises\/([^/]+)$/, "lessons/$1"),
  );
  if (!like && !lesson) return;
  app.shell.add(panel, "main", like ? { mode: "tab-after", ref: like.id } : { mode: "split-right", ref: lesson.id });
  if (lesson) app.shell.activateById(lesson.id); // in front, in its pane; it takes the focus a little later
  for (const wait of lesson ? [FRONT_MS, 2 * FRONT_MS] : [0]) setTimeout(() => app.shell.activateById(panel.id), wait);
}

/** @param {any} panel */
const isNotebook = (panel) => Boolean(panel?.context?.path?.endsWith(".ipynb") && panel.content?.activeCellChanged);

/** @param {any} panel */
const isExercises = (panel) => isNotebook(panel) && OWN_EXERCISES.test(panel.context.path);

/**
 * Tell the course's home page where the learner is.
 * @param {any} app
 * @param {string} path
 * @param {string} cell
 */
function tell(app, path, cell) {
  const { baseUrl, token } = app.serviceManager.serverSettings;
  const xsrf = /(?:^|; )_xsrf=([^;]*)/.exec(document.cookie)?.[1] ?? "";
  /** @type {Record<string, string>} */
  const headers = { "Content-Type": "application/json", "X-XSRFToken": xsrf };
  if (token) headers.Authorization = `token ${token}`;
  const body = JSON.stringify({ path, cell });
  // Also as the page goes; and where there is no home page, or no server any more, nothing is lost but this.
  fetch(new URL("course/api/place", baseUrl), { method: "POST", keepalive: true, headers, body }).catch(() => {});
}

/**
 * Go to where a notebook was left, and keep where it is left from now on.
 * @param {any} app
 * @param {any} panel
 * @param {string | undefined} cell where to go instead
 */
async function follow(app, panel, cell) {
  await panel.context.ready;
  let waiting = 0;
  const now = () => {
    clearTimeout(waiting);
    const active = waiting && app.shell.currentWidget === panel && panel.content.activeCell;
    if (active && arrived) tell(app, panel.context.path, active.model.id);
    waiting = 0;
  };
  const soon = () => {
    clearTimeout(waiting);
    waiting = setTimeout(now, RESTED_MS);
  };
  globalThis.addEventListener("beforeunload", now); // before the next page is asked for, which may be home
  panel.disposed.connect(() => globalThis.removeEventListener("beforeunload", now));
  const key = () => LEFT + panel.context.path;
  const left = wanted.get(panel.context.path) ?? cell ?? globalThis.localStorage.getItem(key());
  let arrived = false; // JupyterLab itself makes the first cell the active one, sooner or later
  panel.content.activeCellChanged.connect((/** @type {any} */ _, /** @type {any} */ active) => {
    if (!active || !arrived) return;
    globalThis.localStorage.setItem(key(), active.model.id);
    soon();
  });
  const there = () => {
    arrived = true;
    if (left) globalThis.localStorage.setItem(key(), left);
    soon();
  };
  if (left && left !== panel.content.widgets[0]?.model.id) {
    await new Promise((/** @type {(value?: any) => void} */ go) => {
      void goTo(panel, left, () => go(there()));
    });
  } else there();
  await begin(app, panel, shared);
  await mendViews(panel);
}

/**
 * Save one after the other. JupyterLab takes the second of two at once, by a key and by itself, for somebody else's, and asks
 * the learner whose notebook to keep.
 * @param {any} context of a notebook
 */
function queueSaves(context) {
  const save = context.save.bind(context);
  let last = Promise.resolve();
  context.save = () => {
    const next = last.catch(() => {}).then(save);
    last = next;
    return next;
  };
}

/** Tabs tell exercises from the lesson of the same name.
 * @param {any} app */
function tellApart(app) {
  for (const panel of app.shell.widgets?.("main") ?? []) {
    if (isExercises(panel)) panel.title.className = EXERCISES;
  }
}

function addStyle() {
  const style = document.createElement("style");
  style.textContent = `.${EXERCISES} .lm-TabBar-tabLabel::before { content: "Exercises · "; }
    .jp-Notebook .jp-MarkdownOutput :is(p, ul, ol, blockquote, details) { max-width: ${LINE}; }
    [data-jp-theme-light="false"] .jp-Notebook .jp-RenderedImage img { filter: brightness(0.85); border-radius: 6px; }
    .jp-Notebook .jp-MarkdownOutput :is(h1, h2, h3, h4) { line-height: 1.25; }
    .jp-CodeCell .cm-lineWrapping > .cm-line { padding-left: calc(var(--jp-code-padding) + 8ch); text-indent: -8ch; }
    .jp-MarkdownCell:has(.jp-collapseHeadingButton.jp-mod-collapsed) .jp-MarkdownOutput > :not(h1, h2, h3, h4, h2 + p) { display: none; }
    .${ASKS} .jp-InputPlaceholder { height: 2px; min-height: 0; opacity: 0; }
    .${ASKS} .jp-InputPrompt { visibility: hidden; }`;
  document.head.append(style);
}

/** @param {any} app */
async function addHome(app) {
  const versions = Object.values(shared?.["@lumino/widgets"] ?? {});
  if (!versions.length || !app.shell.add) return;
  const { Widget } = (await versions[0].get())();
  const base = app.serviceManager.serverSettings.baseUrl;
  const node = document.createElement("div");
  const link = document.createElement("a");
  link.href = new URL("course", base).href;
  link.textContent = "Course home";
  link.style.cssText = "padding:0 12px;line-height:28px;color:var(--jp-ui-font-color1);white-space:nowrap";
  node.append(link);
  const widget = new Widget({ node });
  widget.id = "attention-course-home";
  app.shell.add(widget, "top", { rank: 1000 });
}

export default {
  id: "attention-course:page",
  autoStart: true,
  /** @param {any} app */
  activate(app) {
    const first = asked();
    const followed = new WeakSet();
    app.commands.addCommand("course:open", {
      label: "Open a notebook of the course at a cell",
      execute: (/** @type {any} */ wanted) => open(app, wanted),
    });
    app.commands.commandExecuted?.connect((/** @type {any} */ _, /** @type {any} */ { id, args }) => {
      const cell = id === LINK && cellOf(args.id);
      if (cell) void open(app, { path: args.path, cell }); // and not where that notebook was left
    });
    const look = () => {
      tellApart(app);
      const shown = [...(app.shell.widgets?.("main") ?? [])].filter((panel) => panel.isVisible);
      for (const panel of new Set([app.shell.currentWidget, ...shown])) {
        if (!isNotebook(panel) || followed.has(panel)) continue;
        followed.add(panel);
        queueSaves(panel.context);
        forgetWithKernel(panel);
        const isFirst = first?.path === panel.context.path;
        if (isFirst) void app.restored.then(() => settle(app, panel));
        void follow(app, panel, (isFirst && first?.cell) || undefined);
      }
    };
    app.shell.currentChanged?.connect(look);
    void app.restored.then(look);
    void addHome(app);
    void keepInView(shared);
    void goOn(app, shared);
    addStyle();
  },
};
