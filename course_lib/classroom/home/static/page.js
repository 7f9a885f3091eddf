/** What every page has: the switch between light and dark, and an address without Jupyter's token. */

const dark = window.matchMedia("(prefers-color-scheme: dark)");
const page = document.documentElement;
const form = /** @type {HTMLFormElement} */ (document.getElementById("theme"));
const button = /** @type {HTMLButtonElement} */ (form.querySelector("button"));

/** @returns {boolean} whether the page is dark now */
function isDark() {
  return page.dataset.theme ? page.dataset.theme === "dark" : dark.matches;
}

/** The switch says, and sends, what the page is not. */
function label() {
  button.value = isDark() ? "light" : "dark";
  button.textContent = isDark() ? "Light" : "Dark";
  button.setAttribute("aria-label", `Use the ${button.value} theme`);
}

form.hidden = false;
form.addEventListener("submit", (event) => {
  event.preventDefault(); // what is open on the page stays open
  const body = new FormData(form, button);
  page.dataset.theme = button.value;
  label();
  void fetch(form.action, { method: "POST", body, redirect: "manual", keepalive: true });
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
