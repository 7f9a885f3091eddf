/** What every page has: the switch between light and dark, and an address without Jupyter's token. */

const KEY = "course-theme";
const dark = window.matchMedia("(prefers-color-scheme: dark)");
const page = document.documentElement;
const button = /** @type {HTMLButtonElement} */ (document.getElementById("theme"));

/** @returns {boolean} whether the page is dark now */
function isDark() {
  return page.dataset.theme ? page.dataset.theme === "dark" : dark.matches;
}

function label() {
  button.textContent = isDark() ? "Light" : "Dark";
  button.setAttribute("aria-label", `Use the ${isDark() ? "light" : "dark"} theme`);
}

page.dataset.theme = localStorage.getItem(KEY) ?? "";
button.hidden = false;
button.addEventListener("click", () => {
  page.dataset.theme = isDark() ? "light" : "dark";
  localStorage.setItem(KEY, page.dataset.theme);
  label();
});
dark.addEventListener("change", label);
label();

// The token was needed once, to log in; in the address it would stand in the history and on shared screens.
const address = new URL(window.location.href);
if (address.searchParams.has("token") || address.searchParams.has("told")) {
  address.searchParams.delete("token");
  address.searchParams.delete("told");
  window.history.replaceState(null, "", address);
}

export {};
