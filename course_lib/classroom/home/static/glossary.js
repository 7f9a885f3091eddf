/** The search box of the glossary: what does not hold the words typed is hidden, and its topic with the last of it. */

const find = /** @type {HTMLElement} */ (document.getElementById("find"));
const box = /** @type {HTMLInputElement} */ (document.getElementById("word"));
const status = /** @type {HTMLElement} */ (find.querySelector("[role=status]"));
const terms = [...document.querySelectorAll(".terms > div")].map((element) => {
  const entry = /** @type {HTMLElement} */ (element);
  return { entry, text: (entry.textContent ?? "").toLowerCase() };
});

/** Shows the terms that hold all words in the box, in whatever language. */
function search() {
  const words = box.value.toLowerCase().split(/\s+/);
  for (const { entry, text } of terms) entry.hidden = !words.every((word) => text.includes(word));
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
