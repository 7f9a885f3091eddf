/**
 * Keys for reviews: a letter chooses an option, Space shows the answer, then 1 to 4 rate it, and Space once more says "good",
 * or "again" after a wrong choice. The page does all of it without keys, too.
 */

const answer = /** @type {HTMLDetailsElement | null} */ (document.getElementById("answer"));
const buttons = /** @type {HTMLButtonElement[]} */ ([...document.querySelectorAll("#rate button")]);
const options = [...document.querySelectorAll(".options > li")];
const chosen = () => options.map((option) => option.querySelector("input")?.checked);

/** The rating that Space gives: 2 is "good", 0 is "again". */
function likely() {
  const right = options.every((option, index) => chosen()[index] === option.classList.contains("right"));
  return !chosen().some(Boolean) || right ? 2 : 0;
}

function focusRating() {
  if (answer?.open) buttons[likely()].focus();
}

answer?.addEventListener("toggle", focusRating);
focusRating(); // it may have been opened before this module was there

document.addEventListener("keydown", (event) => {
  const target = /** @type {HTMLElement} */ (event.target);
  if (!answer || event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
  const number = ["1", "2", "3", "4"].indexOf(event.key);
  if (answer.open && number >= 0) {
    event.preventDefault();
    buttons[number].click();
  } else if (event.key === " " && !target.closest("a, button, summary, [type=checkbox], input:not(:checked)")) {
    event.preventDefault();
    if (answer.open) buttons[likely()].click();
    else answer.open = true;
  } else if (!answer.open) {
    const letter = "abcdefgh".indexOf(event.key.toLowerCase());
    options[letter]?.querySelector("input")?.click();
  }
});

// One answer a card: a second press while the first is on its way would only be refused.
document.getElementById("rate")?.addEventListener("submit", (event) => {
  const form = /** @type {HTMLFormElement} */ (event.target);
  if (form.dataset.sent) event.preventDefault();
  form.dataset.sent = "yes";
});

export {};
