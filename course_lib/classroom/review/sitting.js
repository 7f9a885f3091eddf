/**
 * Keys in the quiz. While it has the focus, plain keys are its own: JupyterLab would take B for "insert a cell below"
 * and D, D for "delete this cell". A, B, C, … choose an option, 1 to 4 rate an answer. Where this module can't run, Tab and
 * Space do the same.
 * @param {{ el: HTMLElement }} view an invisible element somewhere in the quiz
 */
function render({ el }) {
  let mine = false; // whether the hand was in the quiz last: JupyterLab takes the focus off its buttons as they are pressed
  const hand = (/** @type {Event} */ event) => {
    const target = /** @type {HTMLElement} */ (event.target);
    if (el.closest(".course-quiz")?.contains(target)) mine = true;
    else if (event.type === "pointerdown" || target.closest("input, textarea, .cm-content")) mine = false;
  };
  const decide = (/** @type {KeyboardEvent} */ event) => {
    const quiz = el.closest(".course-quiz");
    const target = /** @type {HTMLElement} */ (event.target);
    if (!quiz) return;
    const jupyters = event.ctrlKey || event.metaKey || event.altKey || (event.shiftKey && event.key === "Enter");
    quiz.toggleAttribute("data-lm-suppress-shortcuts", !jupyters);
    const dropped = mine && !quiz.contains(target) && !target.closest("input, textarea, .cm-content");
    if (jupyters || !(quiz.contains(target) || dropped) || target.matches("textarea")) return;
    if (dropped && event.key.length > 1) mine = false; // arrows, Tab, …: they go on in the notebook
    if (/^[a-z0-9]$/i.test(event.key)) event.stopImmediatePropagation();
    const options = /** @type {NodeListOf<HTMLButtonElement>} */ (quiz.querySelectorAll(".quiz-row > button:enabled"));
    const letter = event.key.toUpperCase();
    const ratings = /** @type {NodeListOf<HTMLButtonElement>} */ (quiz.querySelectorAll(".quiz-ratings > button"));
    const option = [...options].find((button) => button.textContent === letter && button.offsetParent);
    const rating = ratings[Number(event.key) - 1];
    const chosen = option ?? (rating?.offsetParent && !rating.disabled ? rating : undefined);
    chosen?.focus();
    chosen?.click();
  };
  // A rating can be given once: its button is disabled then, and would take the focus along.
  const goOn = (/** @type {MouseEvent} */ event) => {
    const target = /** @type {HTMLElement} */ (event.target);
    if (!target.closest(".quiz-ratings")) return;
    const quiz = el.closest(".course-quiz");
    if (quiz?.contains(target)) /** @type {HTMLElement | null} */ (quiz.querySelector(".quiz-forward"))?.focus();
  };
  // JupyterLab listens on the document's capture phase; the window's comes just before.
  window.addEventListener("keydown", decide, { capture: true });
  window.addEventListener("click", goOn);
  for (const kind of ["pointerdown", "focusin"]) window.addEventListener(kind, hand, { capture: true });
  return () => {
    window.removeEventListener("keydown", decide, { capture: true });
    window.removeEventListener("click", goOn);
    for (const kind of ["pointerdown", "focusin"]) window.removeEventListener(kind, hand, { capture: true });
  };
}

export default { render };
