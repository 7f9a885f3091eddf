// @ts-check
/** What a hand uses: buttons, sliders, menus, fields for numbers; and a row of numbers to read. */
import { html, setAttributes, setText } from "./elements.js";

/**
 * A row of buttons of which one is pressed.
 * @param {string} label what is chosen
 * @param {[string, Node | string][]} choices key and face of each
 * @param {(key: string) => void} choose
 */
export function choiceButtons(label, choices, choose) {
  const buttons = new Map(
    choices.map(([key, face]) => [
      key,
      html(
        "button",
        { type: "button", class: "cl-button", "data-choice": key, "aria-pressed": "false", click: () => choose(key) },
        face,
      ),
    ]),
  );
  const element = html("div", { class: "cl-choices", role: "group", "aria-label": label }, ...buttons.values());
  return {
    element,
    /** @param {string | null} pressed */
    show(pressed) {
      for (const [key, button] of buttons) setAttributes(button, { "aria-pressed": String(key === pressed) });
    },
  };
}

/**
 * A slider with its name and its value in words.
 * @param {{label: string, min: number, max: number, step?: number, format?: (value: number) => string,
 *   change: (value: number) => void}} options
 */
export function slider({ label, min, max, step = 1, format = String, change }) {
  const input = /** @type {HTMLInputElement} */ (
    html("input", {
      type: "range",
      min,
      max,
      step,
      class: "cl-range",
      "aria-label": label,
      input: () => change(Number(input.value)),
    })
  );
  const output = html("output", { class: "cl-value" });
  return {
    element: html("label", { class: "cl-slider" }, html("span", { class: "cl-slider-name" }, label), input, output),
    input,
    /** @param {number} value */
    show(value) {
      if (Number(input.value) !== value) input.value = String(value);
      setText(output, format(value));
      input.setAttribute("aria-valuetext", format(value));
    },
  };
}

/** A button that is on or off. @param {string} label @param {(on: boolean) => void} change */
export function toggle(label, change) {
  const element = html(
    "button",
    {
      type: "button",
      class: "cl-button cl-toggle",
      "aria-pressed": "false",
      "data-choice": label,
      click: () => change(element.getAttribute("aria-pressed") !== "true"),
    },
    label,
  );
  return {
    element,
    /** @param {boolean} on */
    show: (on) => element.setAttribute("aria-pressed", String(on)),
  };
}

/** A button that does something, while it is enabled. @param {string} label @param {() => void} act @param {string} [title] */
export function button(label, act, title) {
  const element = html(
    "button",
    { type: "button", class: "cl-button", "data-choice": label, title, click: () => isEnabled(element) && act() },
    label,
  );
  return element;
}

/** Let a button act or not. A truly disabled one would lose the focus, and the keyboard its place. @param {Element} element @param {boolean} on */
export function enable(element, on) {
  setAttributes(element, { "aria-disabled": !on && "true" });
}

/** @param {Element} element */
export function isEnabled(element) {
  return !element.hasAttribute("aria-disabled");
}

/**
 * A number to type. What is no number stays while the cursor is in it, and gives way to the present one when it leaves.
 * @param {{label: string, read: () => number, change: (value: number) => void, focus?: () => void}} options
 */
export function numberInput({ label, read, change, focus }) {
  const input = /** @type {HTMLInputElement} */ (
    html("input", {
      type: "number",
      step: "0.1",
      class: "cl-number",
      "aria-label": label,
      input: () => {
        const value = input.value.trim() === "" ? NaN : Number(input.value);
        input.setAttribute("aria-invalid", String(!Number.isFinite(value)));
        if (Number.isFinite(value)) change(value);
      },
      focus: () => focus?.(),
      blur: () => show(),
    })
  );
  const show = () => {
    const value = read();
    const isTyped = input.getAttribute("aria-invalid") === "true" || Number(input.value) === value;
    if (isTyped && input.matches(":focus")) return;
    const text = String(Number(value.toFixed(3)));
    if (input.value !== text) input.value = text;
    input.removeAttribute("aria-invalid");
  };
  return { input, show };
}

/**
 * Choose one of many by name.
 * @param {string} label @param {string[]} choices @param {(index: number) => void} change
 */
export function menu(label, choices, change) {
  const select = /** @type {HTMLSelectElement} */ (
    html(
      "select",
      { class: "cl-menu", "aria-label": label, change: () => change(select.selectedIndex) },
      ...choices.map((choice) => html("option", {}, choice)),
    )
  );
  return {
    element: html("label", { class: "cl-slider" }, html("span", { class: "cl-slider-name" }, label), select),
    select,
    /** @param {number} index */
    show(index) {
      if (select.selectedIndex !== index) select.selectedIndex = index;
    },
  };
}

/**
 * Numbers with their names, side by side.
 * @param {Record<string, string>} names
 */
export function factList(names) {
  const values = new Map(
    Object.keys(names).map((name) => [name, html("span", { class: "cl-fact-value", "data-fact": name })]),
  );
  const element = html(
    "div",
    { class: "cl-facts" },
    ...[...values].map(([name, value]) =>
      html("div", { class: "cl-fact" }, html("span", { class: "cl-fact-name" }, names[name]), value),
    ),
  );
  return {
    element,
    /** @param {Record<string, string>} words */
    show: (words) => values.forEach((value, name) => setText(value, words[name])),
  };
}
