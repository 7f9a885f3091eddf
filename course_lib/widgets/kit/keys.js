// @ts-check
/** What the arrow keys mean, on a plane and in a grid. */

/** @type {Map<string, [number, number]>} to the right and up */
const DIRECTIONS = new Map([
  ["ArrowLeft", [-1, 0]],
  ["ArrowRight", [1, 0]],
  ["ArrowUp", [0, 1]],
  ["ArrowDown", [0, -1]],
]);

/** Where an arrow key points, as [right, up]; null for other keys. @param {string} key */
export function directionOf(key) {
  return DIRECTIONS.get(key) ?? null;
}

/**
 * The cell of a grid to which a key leads; null for keys that lead nowhere. At the edge one stays.
 * @param {string} key @param {[number, number]} at row and column @param {[number, number]} size rows and columns
 * @param {number} [step] cells at once
 * @returns {[number, number] | null}
 */
export function cellReached(key, [row, column], [rows, columns], step = 1) {
  if (key === "Home") return [row, 0];
  if (key === "End") return [row, columns - 1];
  const direction = directionOf(key);
  if (!direction) return null;
  const kept = (/** @type {number} */ index, /** @type {number} */ count) => Math.min(count - 1, Math.max(0, index));
  return [kept(row - step * direction[1], rows), kept(column + step * direction[0], columns)];
}

/** Whether Ctrl, Meta or Alt is held: such keys are the notebook's. @param {KeyboardEvent | MouseEvent} event */
export function isCommand(event) {
  return event.ctrlKey || event.metaKey || event.altKey;
}
