/**
 * Keys in the quiz. While it has the focus, plain keys are its own: JupyterLab would take B for "insert a cell below"
 * and D, D for "delete this cell". A, B, C, … choose an option, 1 to 4 rate an answer. Where this module can't run, Tab and
 * Space do the same.
 * @param {{ el: HTMLElement }} view an invisible element somewhere in the quiz
 */
function render({ el }) {
  const decide = (/** @type {KeyboardEvent} */ event) => {
    const quiz = el.closest(".course-quiz");
    const target = /** @type {HTMLElement} */ (event.target);
    if (!quiz) return;
    const jupyters = event.ctrlKey || event.metaKey || event.altKey || (event.shiftKey && event.key === "Enter");
    quiz.toggleAttribute("data-lm-suppress-shortcuts", !jupyters);
    if (jupyters || !quiz.contains(target) || target.matches("textarea")) return;
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
  return () => {
    window.removeEventListener("keydown", decide, { capture: true });
    window.removeEventListener("click", goOn);
  };
}

export default { render };
