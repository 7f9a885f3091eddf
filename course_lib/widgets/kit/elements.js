// @ts-check
/** Elements of a page: made, changed only where something differs, and always from text, never from markup. */

const SVG_NAMESPACE = "http://www.w3.org/2000/svg";

/** @typedef {Record<string, string | number | boolean | null | undefined | ((event: any) => void)>} Attributes */

/**
 * Set attributes; a function becomes a listener, null and false remove. What is the same already is left alone: the cheapest
 * repaint is none, and others may be watching.
 * @param {Element} element
 * @param {Attributes} attributes
 */
export function setAttributes(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value === null || value === undefined || value === false) element.removeAttribute(name);
    else {
      const text = value === true ? "" : String(value);
      if (element.getAttribute(name) !== text) element.setAttribute(name, text);
    }
  }
}

/**
 * Make an HTML element. Strings become text, never markup.
 * @param {string} tag
 * @param {Attributes} [attributes]
 * @param {...(Node | string)} children
 */
export function html(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  setAttributes(element, attributes);
  element.append(...children);
  return element;
}

/**
 * Make an SVG element. Strings become text, never markup.
 * @param {string} tag
 * @param {Attributes} [attributes]
 * @param {...(Node | string)} children
 * @returns {any}
 */
export function svg(tag, attributes = {}, ...children) {
  const element = document.createElementNS(SVG_NAMESPACE, tag);
  setAttributes(element, attributes);
  element.append(...children);
  return element;
}

/** Replace an element's text, if it differs. @param {Node} node @param {string} text */
export function setText(node, text) {
  const [first, ...others] = node.childNodes;
  if (first instanceof Text && !others.length) {
    if (first.data !== text) first.data = text; // the same text node stays: less to lay out
  } else if (node.textContent !== text) node.textContent = text;
}
