/**
 * Keys in the quiz, and the hand led to what is to be done next. While the quiz has the focus, plain keys are its own: JupyterLab
 * would take B for "insert a cell below" and D, D for "delete this cell". A, B, C, … choose an option, Enter checks it, 1 to 4
 * rate an answer. Where this module can't run, Tab and Space do the same.
 */

const DRAWN_MS = [50, 200, 500]; // widgets are drawn one by one, formulas later, and JupyterLab puts the focus on the cell in between
const ELSEWHERE = "input, textarea, .cm-content, .course-quiz"; // where other hands' keys belong, outside of this quiz
const FIRST = "textarea:enabled, .quiz-row > button:enabled";
/** For each step that Python tells: where the hand goes, and what is brought into view, the last above all. */
const STEPS = /** @type {Record<string, { hand: string, seen: string[] }>} */ ({
  answer: { hand: FIRST, seen: [".quiz-navigation", ".quiz-header"] },
  choose: { hand: FIRST, seen: [".quiz-row", ".quiz-status"] },
  rate: { hand: ".quiz-likely", seen: [".quiz-model", ".quiz-ratings", ".quiz-status"] },
  next: { hand: ".quiz-forward", seen: [".quiz-header", ".quiz-navigation"] },
  end: { hand: ".quiz-header", seen: [".quiz-navigation", ".quiz-header"] },
});

/** What can be seen of what a selector finds. @param {Element} quiz @param {string} selector */
function visible(quiz, selector) {
  const found = /** @type {NodeListOf<HTMLButtonElement>} */ (quiz.querySelectorAll(selector));
  return [...found].filter((element) => element.offsetParent);
}

/**
 * The button that a key presses, if any.
 * @param {Element} quiz @param {string} key @param {Element | null} at the option that has the focus or was chosen last
 */
function pressed(quiz, key, at) {
  const isChosen = at?.matches(".quiz-row > button:enabled") && at.closest(".quiz-chosen, [data-picked]");
  if (isChosen && (key === "Enter" || (key === " " && !quiz.matches(".quiz-several")))) {
    return visible(quiz, ".quiz-forward")[0];
  }
  const option = visible(quiz, ".quiz-row > button:enabled").find((one) => one.textContent === key.toUpperCase());
  const rating = visible(quiz, ".quiz-ratings > button")[Number(key) - 1];
  return option ?? (rating?.disabled ? undefined : rating);
}

/** @param {{ model: any, el: HTMLElement }} view an invisible element somewhere in the quiz */
function render({ model, el }) {
  let mine = false; // whether the hand was in the quiz last: JupyterLab takes the focus off its buttons as they are pressed
  let moved = false; // whether it has done something since the last step
  const quizOf = () => /** @type {HTMLElement | null} */ (el.closest(".course-quiz"));

  const hand = (/** @type {Event} */ event) => {
    const target = /** @type {HTMLElement} */ (event.target);
    if (event.type !== "focusin") moved = true;
    if (quizOf()?.contains(target)) mine = true;
    else if (event.type === "pointerdown" || target.closest?.(ELSEWHERE)) mine = false;
  };
  const decide = (/** @type {KeyboardEvent} */ event) => {
    const quiz = quizOf();
    const { key } = event;
    const target = /** @type {HTMLElement} */ (event.target);
    if (!quiz) return;
    moved = true;
    const jupyters = event.ctrlKey || event.metaKey || event.altKey || (event.shiftKey && key === "Enter");
    quiz.toggleAttribute("data-lm-suppress-shortcuts", !jupyters);
    const dropped = mine && !quiz.contains(target) && !target.closest(ELSEWHERE);
    if (jupyters || !(quiz.contains(target) || dropped) || target.matches("textarea")) return;
    const button = pressed(quiz, key, dropped ? visible(quiz, ".quiz-chosen > button")[0] : target);
    if (dropped && key.length > 1 && !button) mine = false; // arrows, Tab, …: they go on in the notebook
    if (button || event.repeat || /^[a-z0-9]$/i.test(key)) event.stopImmediatePropagation();
    if (event.repeat && (key === "Enter" || key === " ")) event.preventDefault(); // a key held down is one answer
    if (!button || event.repeat) return;
    event.preventDefault();
    for (const row of quiz.querySelectorAll("[data-picked]")) row.removeAttribute("data-picked");
    button.closest(".quiz-row")?.setAttribute("data-picked", ""); // Python says so a little later
    button.focus();
    button.click();
  };
  const lead = () => {
    const step = model.get("step");
    const { hand, seen } = STEPS[step.split(" ")[0]];
    let isThere = false;
    moved = false;
    for (const row of quizOf()?.querySelectorAll("[data-picked]") ?? []) row.removeAttribute("data-picked");
    const go = () => {
      const quiz = quizOf();
      if (!quiz || !mine || moved || model.get("step") !== step) return;
      const [next] = visible(quiz, hand);
      if (next?.tabIndex < 0) next.tabIndex = -1; // a heading takes the focus, too
      if (!isThere || !quiz.contains(document.activeElement)) next?.focus({ preventScroll: true });
      isThere = document.activeElement === next;
      for (const one of seen) visible(quiz, one)[0]?.scrollIntoView({ block: "nearest" });
    };
    for (const wait of DRAWN_MS) setTimeout(go, wait);
  };
  const HANDS = ["pointerdown", "wheel", "focusin"];
  // JupyterLab listens on the document's capture phase; the window's comes just before.
  window.addEventListener("keydown", decide, { capture: true });
  for (const kind of HANDS) window.addEventListener(kind, hand, { capture: true });
  model.on("change:step", lead);
  return () => {
    model.off("change:step", lead);
    window.removeEventListener("keydown", decide, { capture: true });
    for (const kind of HANDS) window.removeEventListener(kind, hand, { capture: true });
  };
}

export default { render };
