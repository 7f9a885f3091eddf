/** Keys for reviews: Space shows the answer, then 1 to 4 rate it, and Space says "good". The buttons do all of it, too. */

const answer = /** @type {HTMLDetailsElement | null} */ (document.getElementById("answer"));
const buttons = /** @type {HTMLButtonElement[]} */ ([...document.querySelectorAll("#rate button")]);
const GOOD = 2;

answer?.addEventListener("toggle", () => {
  if (answer.open) buttons[GOOD].focus();
});

document.addEventListener("keydown", (event) => {
  const target = /** @type {HTMLElement} */ (event.target);
  if (!answer || event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
  const number = ["1", "2", "3", "4"].indexOf(event.key);
  if (answer.open && number >= 0) {
    event.preventDefault();
    buttons[number].click();
  } else if (event.key === " " && !target.closest("a, button, summary, input")) {
    event.preventDefault();
    if (answer.open) buttons[GOOD].click();
    else answer.open = true;
  }
});

// One answer a card: a second press while the first is on its way would only be refused.
document.getElementById("rate")?.addEventListener("submit", (event) => {
  const form = /** @type {HTMLFormElement} */ (event.target);
  if (form.dataset.sent) event.preventDefault();
  form.dataset.sent = "yes";
});

export {};
