// @ts-check
/** When something happens: at most once a frame, or once the hand rests. */

/**
 * Run at most once a frame, at once if this frame is still free, and always with the latest arguments.
 * @template {any[]} A
 * @param {(...args: A) => void} action
 * @returns {(...args: A) => void}
 */
export function oncePerFrame(action) {
  let busy = false;
  /** @type {A | null} */
  let waiting = null;
  const free = () => {
    busy = false;
    if (waiting) run(...waiting);
  };
  /** @param {A} args */
  const run = (...args) => {
    if (busy) {
      waiting = args;
      return;
    }
    busy = true;
    waiting = null;
    requestAnimationFrame(free);
    action(...args);
  };
  return run;
}

/**
 * Do something once calls have stopped for `rest` milliseconds, and every `most` milliseconds while they go on.
 * @param {() => void} act @param {number} rest @param {number} most
 */
export function atLeisure(act, rest, most) {
  let timer = 0;
  let since = 0;
  return () => {
    const now = performance.now();
    if (timer) window.clearTimeout(timer);
    else since = now;
    timer = window.setTimeout(
      () => {
        timer = 0;
        act();
      },
      Math.min(rest, Math.max(0, since + most - now)),
    );
  };
}
