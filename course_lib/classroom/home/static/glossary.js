/** The search box of the glossary: terms of that name are left, or, where there are none, those whose text holds the words. */

const find = /** @type {HTMLElement} */ (document.getElementById("find"));
const box = /** @type {HTMLInputElement} */ (document.getElementById("word"));
const status = /** @type {HTMLElement} */ (find.querySelector("[role=status]"));
const terms = [...document.querySelectorAll(".terms > div")].map((element) => {
  const entry = /** @type {HTMLElement} */ (element);
  const named = [...entry.querySelectorAll("dt, b")].map((one) => one.textContent);
  return { entry, name: named.join(" ").toLowerCase(), text: (entry.textContent ?? "").toLowerCase() };
});

/** Shows the terms that hold all words in the box, in whatever language. */
function search() {
  const words = box.value.toLowerCase().split(/\s+/);
  const holds = (/** @type {string} */ told) => words.every((word) => told.includes(word));
  const byName = terms.some(({ name }) => holds(name));
  for (const { entry, name, text } of terms) entry.hidden = !holds(byName ? name : text);
  for (const section of document.querySelectorAll("section")) {
    section.hidden = !section.querySelector(".terms > div:not([hidden])");
  }
  const found = terms.filter(({ entry }) => !entry.hidden).length;
  status.textContent = box.value.trim() ? `${found} of ${terms.length}` : "";
}

find.hidden = false;
box.addEventListener("input", search);
search(); // a browser that goes back keeps what was typed

export {};
