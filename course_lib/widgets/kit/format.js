// @ts-check
/** Numbers and texts, for reading. */

/** A number for reading: at most three leading digits, a true minus sign, no "−0.00". @param {number} value */
export function readable(value) {
  if (Number.isNaN(value)) return "?";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  const size = Math.abs(value);
  const digits = size >= 1e5 ? value.toExponential(1) : value.toFixed(size >= 99.95 ? 0 : size >= 9.995 ? 1 : 2);
  return Number(digits) === 0 ? digits.replace("-", "") : digits.replace("-", "−");
}

/** A vector for reading. @param {ArrayLike<number>} vector */
export function readableVector(vector) {
  return `(${Array.from(vector, readable).join(", ")})`;
}

/** Put values into a text's named places. @param {string} text @param {Record<string, string | number>} values */
export function filled(text, values) {
  return text.replace(/\{(\w+)\}/g, (_, name) => String(values[name]));
}

/** Cut a long label; the full one belongs into a title. @param {string} text @param {number} [length] */
export function shortened(text, length = 9) {
  const letters = Array.from(text);
  return letters.length > length ? `${letters.slice(0, length - 1).join("")}…` : text;
}

/** A number beside an axis. @param {number} at */
export function tickName(at) {
  return String(Number(at.toPrecision(4))).replace("-", "−");
}
