// @ts-check
/** HTML that Python wrote, with buttons and forms that Python hears and links that open beside. See `buttons.py`. */

const TEXT = { gone: "The kernel that asked was restarted or shut down. Run the cell again." };
const PROGRESS = "course-progress"; // all notebooks of JupyterLab stand on one page: one tells the others
const WIDE = 900; // pixels from which two notebooks have room beside each other

/** @param {{ model: any, el: HTMLElement }} view */
function render({ model, el }) {
  const content = document.createElement("div");
  const brought = document.createElement("div");
  brought.setAttribute("role", "status");
  brought.tabIndex = -1;
  el.classList.add("course-buttons");
  el.append(content, brought);

  /** @type {ReturnType<typeof placeOf>} where the last press happened */
  let where = null;
  const fill = () => {
    replace(content, model.get("html"), brought);
    replace(brought, model.get("brought"), brought);
    mark();
  };
  const around = new Around(el);
  const mark = () => around.mark(content);
  const laidOut = new ResizeObserver(mark); // only then it stands among the other outputs
  laidOut.observe(el);
  const onClick = (/** @type {MouseEvent} */ event) => {
    const target = /** @type {Element} */ (event.target);
    const button = target.closest("button[data-press]");
    if (button) press(button.getAttribute("data-press"));
    const link = /** @type {HTMLAnchorElement | null} */ (target.closest("a[data-beside]"));
    if (link && !event.ctrlKey && !event.metaKey && openBeside(link)) event.preventDefault();
  };
  const onSubmit = (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    const form = /** @type {HTMLFormElement} */ (event.target);
    const isRead = form.checkValidity();
    brought.textContent = isRead ? "" : form.getAttribute("data-unread"); // in a bubble of the browser's it would sound like blame
    if (isRead) press(form.getAttribute("data-press"), form.querySelector("input")?.value ?? "");
  };
  /** @param {string | null} name @param {string} [text] */
  const press = (name, text = "") => {
    where = placeOf(el);
    if (name !== "again") around.uncover(content); // at once, even where Python is busy
    model.send({ press: name, text });
  };
  const onProgress = () =>
    document.visibilityState === "visible" && content.querySelector("[data-follows]") && press("again");
  const onGone = () => {
    around.uncover(content);
    brought.textContent = TEXT.gone;
  };

  el.addEventListener("click", onClick);
  el.addEventListener("submit", onSubmit);
  el.addEventListener("keydown", keepPlainKeys);
  window.addEventListener(PROGRESS, onProgress);
  window.addEventListener("focus", onProgress); // another window may have made progress
  document.addEventListener("visibilitychange", onProgress);
  model.on("change:html", fill);
  model.on("change:brought", fill);
  model.on("comm_live_update", onGone);
  fill();
  if (content.querySelector("[data-progress]")) window.dispatchEvent(new Event(PROGRESS));

  return () => {
    laidOut.disconnect();
    around.leave();
    if (where) setTimeout(focusAt, 50, where);
    window.removeEventListener(PROGRESS, onProgress);
    window.removeEventListener("focus", onProgress);
    document.removeEventListener("visibilitychange", onProgress);
    model.off("change:html", fill);
    model.off("change:brought", fill);
    model.off("comm_live_update", onGone);
  };
}

/**
 * Put HTML in place of what an element holds. The focus stays on the same button, or goes to what it brought.
 * @param {HTMLElement} element @param {string} html @param {HTMLElement} otherwise
 */
function replace(element, html, otherwise) {
  if (element.dataset.html === html) return;
  const focused = element.contains(document.activeElement) ? document.activeElement : null;
  element.dataset.html = html;
  element.innerHTML = html;
  if (!focused) return;
  const name = focused.getAttribute("data-press");
  const same =
    name && /** @type {HTMLElement | null} */ (element.querySelector(`button[data-press="${CSS.escape(name)}"]`));
  (same || otherwise).focus({ preventScroll: true });
}

/** What buttons say of the outputs and cells around them, as classes for the style sheet. */
class Around {
  /** @param {HTMLElement} el */
  constructor(el) {
    this.el = el;
    /** @type {[Element, string][]} */
    this.marked = [];
  }

  /** @param {Element} content */
  mark(content) {
    this.leave();
    const output = this.el.closest(".jp-OutputArea-child");
    if (content.querySelector(".course-covers")) {
      this.put(output, "course-covering");
      this.put(this.el.closest(".jp-Cell"), "course-covering-next");
    }
    if (content.querySelector("[data-progress]")) this.put(output?.previousElementSibling, "course-has-buttons");
    if (content.querySelector("[data-raises]")) this.put(output, "course-before-error");
  }

  /** @param {Element | null | undefined} element @param {string} name */
  put(element, name) {
    if (!element) return;
    element.classList.add(name);
    this.marked.push([element, name]);
  }

  /** @param {Element} content */
  uncover(content) {
    for (const cover of content.querySelectorAll(".course-covers")) cover.classList.remove("course-covers");
    this.mark(content);
  }

  leave() {
    for (const [element, name] of this.marked) element.classList.remove(name);
    this.marked = [];
  }
}

/** Plain keys are the buttons' own; JupyterLab would take Enter and letters as commands. @param {KeyboardEvent} event */
function keepPlainKeys(event) {
  const isJupyters = event.ctrlKey || event.metaKey || event.altKey || (event.shiftKey && event.key === "Enter");
  if (!isJupyters) event.stopPropagation();
}

/** The area and the place in it of the output that an element stands in. @param {HTMLElement} el */
function placeOf(el) {
  const output = el.closest(".jp-OutputArea-child");
  const area = output?.parentElement;
  return output && area ? { area, place: [...area.children].indexOf(output) } : null;
}

/** What took the place of buttons gets the focus that went with them. @param {{area: Element, place: number}} where */
function focusAt({ area, place }) {
  const next = /** @type {HTMLElement | null} */ (area.children[place]?.querySelector("[tabindex]"));
  if (document.activeElement === document.body) next?.focus({ preventScroll: true });
}

/**
 * Open a link's notebook beside the one that holds the link, at the cell that its fragment names.
 * @param {HTMLAnchorElement} link
 * @returns {boolean} whether this page can; else the link is a link
 */
function openBeside(link) {
  const app = /** @type {any} */ (globalThis).jupyterapp;
  const here = app && [...app.shell.widgets("main")].find((widget) => widget.node.contains(link));
  if (!here?.context) return false;
  const address = new URL(link.getAttribute("href") ?? "", `http://here/${encodeURI(here.context.path)}`);
  const path = decodeURIComponent(address.pathname.slice(1));
  const mode = window.innerWidth < WIDE ? "tab-after" : link.dataset.beside || "split-right";
  const cell = /^#cell-id=(.+)$/.exec(address.hash)?.[1];
  const options = { mode, ref: here.id };
  if (app.commands.hasCommand("course:open")) {
    void app.commands.execute("course:open", { path, cell: cell && decodeURIComponent(cell), ...options });
    return true;
  }
  app.commands.execute("docmanager:open", { path, options }).then(async (/** @type {any} */ panel) => {
    await panel?.context?.ready;
    await panel?.revealed;
    if (address.hash) panel?.setFragment?.(address.hash);
  });
  return true;
}

export default { render };
