// @ts-check
/**
 * The view kit: what all widgets of the course share. Elements, numbers, colours, a plane with arrows to drag, a matrix to
 * walk through by keyboard, announcements. No dependency; a widget's module imports it by name, and Python joins both.
 */

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

// Nine stops of cividis (Nuñez, Anderton & Renslow 2018): readable in every common form of colour blindness and in grey.
const CIVIDIS = [
  [0, 34, 78],
  [18, 53, 112],
  [59, 73, 108],
  [87, 93, 109],
  [112, 113, 115],
  [138, 134, 120],
  [165, 156, 116],
  [195, 179, 105],
  [254, 232, 56],
];

/**
 * Colour of a share between 0 and 1, and the ink that stays readable on it.
 * @param {number} share
 * @returns {{fill: string, ink: string}}
 */
export function cividis(share) {
  const position = Math.min(1, Math.max(0, share || 0)) * (CIVIDIS.length - 1);
  const left = Math.min(Math.floor(position), CIVIDIS.length - 2);
  const [r, g, b] = CIVIDIS[left].map((from, i) =>
    Math.round(from + (CIVIDIS[left + 1][i] - from) * (position - left)),
  );
  return { fill: `rgb(${r}, ${g}, ${b})`, ink: 0.299 * r + 0.587 * g + 0.114 * b > 125 ? "#111111" : "#ffffff" };
}

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
 * Keep plain keys for the widget while it has the focus: JupyterLab would take arrows, Enter and letters as commands on
 * cells. Keys with Ctrl, Meta or Alt, and Shift+Enter to run the next cell, stay JupyterLab's.
 * @param {HTMLElement} root
 */
export function keepPlainKeys(root) {
  root.addEventListener("keydown", (event) => {
    const theirs = event.ctrlKey || event.metaKey || event.altKey || (event.shiftKey && event.key === "Enter");
    if (!theirs) event.stopPropagation();
  });
}

/** Tells a screen reader, politely and only once things have come to rest. */
export class Announcer {
  constructor() {
    this.element = html("div", { class: "cl-announcer", role: "status", "aria-live": "polite" });
    this.timer = 0;
  }

  /** @param {string} text */
  say(text) {
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => setText(this.element, text), 500);
  }
}

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

/** The round number just above a size, for the ends of an axis. @param {number} size */
export function roundedUp(size) {
  const power = 10 ** Math.floor(Math.log10(size || 1));
  for (const factor of [1, 1.5, 2, 2.5, 3, 4, 5, 6, 8]) if (size <= factor * power * 1.0001) return factor * power;
  return 10 * power;
}

// A pointermove waits for the next frame. Where the browser tells of the hand at once, Python can be asked that much sooner.
const SOONEST_MOVE = "onpointerrawupdate" in window ? "pointerrawupdate" : "pointermove";

const PLANE = 320;
const MARGIN = 14;
const TIP = 7;
const TIPS = {
  circle: `M ${TIP} 0 A ${TIP} ${TIP} 0 1 1 ${-TIP} 0 A ${TIP} ${TIP} 0 1 1 ${TIP} 0 Z`,
  square: `M -6.2 -6.2 H 6.2 V 6.2 H -6.2 Z`,
  triangle: `M 0 -8 L 7.6 5.8 H -7.6 Z`,
  diamond: `M 0 -8.6 L 8.6 0 L 0 8.6 L -8.6 0 Z`,
};

/** A small drawing of a tip, for legends. @param {string} kind @param {keyof typeof TIPS} shape */
export function tipGlyph(kind, shape) {
  return svg(
    "svg",
    { class: `cl-glyph cl-${kind}`, viewBox: "-10 -10 20 20", "aria-hidden": "true" },
    svg("path", { class: "cl-tip", d: TIPS[shape] }),
  );
}

/** Two dimensions with a grid, on which arrows can be dragged or moved by keys. */
export class Plane {
  /** @param {string} label what a screen reader calls it */
  constructor(label) {
    this.extent = 0;
    this.grid = svg("g", { class: "cl-grid" });
    this.under = svg("g");
    this.arrows = svg("g");
    this.labels = svg("g", { class: "cl-labels", "aria-hidden": "true" });
    this.element = svg(
      "svg",
      { class: "cl-plane", viewBox: `0 0 ${PLANE} ${PLANE}`, role: "group", "aria-label": label },
      this.grid,
      this.under,
      this.arrows,
      this.labels,
    );
  }

  /** Pixels of a coordinate pair. @param {ArrayLike<number>} point @returns {[number, number]} */
  pixel(point) {
    const unit = (PLANE / 2 - MARGIN) / this.extent;
    return [PLANE / 2 + point[0] * unit, PLANE / 2 - point[1] * unit];
  }

  /** Coordinates under the pointer, kept inside the plane. @param {PointerEvent} event */
  coordinates(event) {
    const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(this.element.getScreenCTM().inverse());
    const unit = (PLANE / 2 - MARGIN) / this.extent;
    return [this.kept((at.x - PLANE / 2) / unit), this.kept((PLANE / 2 - at.y) / unit)];
  }

  /** A coordinate inside the plane, on two decimals. @param {number} value */
  kept(value) {
    return Math.round(Math.min(this.extent, Math.max(-this.extent, value)) * 100) / 100;
  }

  /**
   * Let the axes hold the farthest coordinate with some room: always if it lies beyond them, else only where the view may
   * change, and only if the picture had become small.
   * @param {number} farthest @param {boolean} mayShrink
   */
  fit(farthest, mayShrink) {
    const extent = roundedUp(1.15 * Math.max(0.85, farthest));
    if (farthest <= this.extent && !(mayShrink && extent < this.extent / 1.5)) return;
    this.extent = extent;
    const step =
      [1, 2, 5, 10]
        .map((factor) => factor * 10 ** Math.floor(Math.log10(extent / 4)))
        .find((size) => size * 4.2 >= extent) ?? extent;
    const [near, far] = [MARGIN / 2, PLANE - MARGIN / 2];
    const parts = [];
    for (let at = -Math.floor(extent / step) * step; at <= extent * 1.0001; at += step) {
      const [x, y] = this.pixel([at, at]);
      const zero = Math.abs(at) < step / 1000;
      parts.push(
        svg("path", { class: zero ? "cl-axis" : "cl-line", d: `M ${x} ${near} V ${far} M ${near} ${y} H ${far}` }),
      );
      if (!zero) {
        const name = String(Number(at.toPrecision(6))).replace("-", "−");
        parts.push(svg("text", { x, y: PLANE / 2 + 12, "text-anchor": "middle" }, name));
        parts.push(svg("text", { x: PLANE / 2 - 4, y: y + 3, "text-anchor": "end" }, name));
      }
    }
    this.grid.replaceChildren(...parts);
  }

  /**
   * Add an arrow. Kind gives colour and line style, name is what a screen reader calls it; without `move` it only shows.
   * @param {{
   *   kind: string, shape: keyof typeof TIPS, name: string, label: string,
   *   move?: (point: number[]) => void, grab?: () => void
   * }} options
   */
  addArrow({ kind, shape, name, label, move, grab }) {
    const line = svg("line", { class: "cl-shaft", x1: PLANE / 2, y1: PLANE / 2 });
    const tip = svg("g", {}, svg("path", { class: "cl-tip", d: TIPS[shape] }));
    const group = svg("g", { class: `cl-arrow cl-${kind}` }, line, tip);
    const text = svg("text", { class: `cl-label cl-${kind}` }, shortened(label));
    this.arrows.append(group);
    this.labels.append(text);
    let extent = 0; // of the plane when the arrow was put
    const arrow = {
      group,
      tip,
      text,
      label: shortened(label),
      point: [0, 0],
      shown: true,
      /** @param {number[]} point */
      put: (point) => {
        if (arrow.point === point && extent === this.extent) return;
        arrow.point = point;
        extent = this.extent;
        const [x, y] = this.pixel(point);
        setAttributes(line, { x2: x, y2: y });
        setAttributes(tip, { transform: `translate(${x} ${y})` });
        if (move) {
          const at = `${name}: ${readable(point[0])}, ${readable(point[1])}`;
          setAttributes(tip, {
            "aria-valuenow": point[0],
            "aria-valuetext": at,
            "aria-valuemin": -this.extent,
            "aria-valuemax": this.extent,
          });
        }
      },
    };
    if (move) this.#makeHandle(tip, name, arrow, move, grab);
    return arrow;
  }

  /**
   * @param {any} tip @param {string} name @param {{point: number[]}} arrow
   * @param {(point: number[]) => void} move @param {(() => void) | undefined} grab
   */
  #makeHandle(tip, name, arrow, move, grab) {
    tip.prepend(svg("circle", { class: "cl-reach", r: 17 }));
    const follow = oncePerFrame(move);
    const keys = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
    setAttributes(tip, {
      class: "cl-handle",
      role: "slider",
      tabindex: 0,
      "aria-label": name,
      touchstart: (event) => event.preventDefault(), // no scrolling; CSS's touch-action leaves parts of an SVG out
      pointerdown: (event) => {
        if (event.button !== 0) return;
        tip.setPointerCapture(event.pointerId);
        tip.focus({ preventScroll: true });
        event.preventDefault();
        grab?.();
      },
      [SOONEST_MOVE]: (event) => {
        if (tip.hasPointerCapture(event.pointerId)) follow(this.coordinates(event));
      },
      keydown: (event) => {
        const direction = keys[/** @type {keyof typeof keys} */ (event.key)];
        if (!direction || event.ctrlKey || event.metaKey || event.altKey) return;
        event.preventDefault();
        const step = event.shiftKey ? 0.5 : 0.1;
        move(direction.map((sign, axis) => this.kept(arrow.point[axis] + sign * step)));
      },
      focus: () => grab?.(),
    });
  }

  /**
   * Put every shown arrow's label beside its tip, outward if there is room, else around it.
   * @param {{point: number[], text: any, label: string, shown: boolean}[]} arrows the most important first
   */
  placeLabels(arrows) {
    const taken = arrows
      .filter((arrow) => arrow.shown)
      .map(({ point }) => {
        const [x, y] = this.pixel(point);
        return [x - 8, y - 8, x + 8, y + 8];
      });
    for (const arrow of arrows) {
      arrow.text.style.display = arrow.shown ? "" : "none";
      if (!arrow.shown) continue;
      const [x, y] = this.pixel(arrow.point);
      const outward = Math.atan2(y - PLANE / 2, x - PLANE / 2 || 1e-9);
      const width = arrow.label.length * 6.6 + 4;
      let best = null;
      for (const turn of [0, 0.7, -0.7, 1.4, -1.4, 2.2, -2.2, 3.1]) {
        const [cos, sin] = [Math.cos(outward + turn), Math.sin(outward + turn)];
        const centre = [x + cos * (12 + width / 2), y + sin * 17];
        const box = [centre[0] - width / 2, centre[1] - 7, centre[0] + width / 2, centre[1] + 7];
        const inside = box[0] > 0 && box[1] > 0 && box[2] < PLANE && box[3] < PLANE;
        const crowd = taken.filter(
          (other) => box[0] < other[2] && other[0] < box[2] && box[1] < other[3] && other[1] < box[3],
        ).length;
        const cost = crowd + (inside ? 0 : 3);
        if (!best || cost < best.cost) best = { cost, centre, box };
        if (cost === 0) break;
      }
      if (!best) continue;
      taken.push(best.box);
      const centre = Math.min(PLANE - width / 2, Math.max(width / 2, best.centre[0]));
      const below = Math.min(PLANE - 4, Math.max(12, best.centre[1] + 4));
      setAttributes(arrow.text, { transform: `translate(${centre} ${below})` }); // moved, not laid out anew
    }
  }
}

const PARTS_OF_CELL = /** @type {const} */ (["text", "fill", "ink", "state", "name"]);

/**
 * A matrix of coloured, numbered cells with labels; arrow keys walk through it.
 * @typedef {{text: string, fill?: string, ink?: string, state?: string, name: string}} Cell
 */
export class Matrix {
  /**
   * @param {{label: string, rows: string[], columns: string[], rowKind?: string, columnKind?: string,
   *   go?: (row: number, column: number) => void, act?: (row: number, column: number) => void}} options
   *   go: a cell was reached; act: it was clicked, or Enter or Space pressed on it.
   */
  constructor({ label, rows, columns, rowKind = "", columnKind = "", go, act }) {
    this.at = [0, 0];
    this.size = [rows.length, columns.length];
    /** @type {Cell[][]} */
    this.shown = [];
    this.go = go;
    this.act = act;
    const heads = columns.map((name) =>
      html("div", { class: `cl-head-cell cl-${columnKind}`, role: "columnheader", title: name }, name),
    );
    this.rowHeads = rows.map((name, row) =>
      html(
        "div",
        { class: `cl-row-head cl-${rowKind}`, role: "rowheader", title: name, click: () => go?.(row, this.at[1]) },
        name,
      ),
    );
    this.cells = rows.map((_, row) =>
      columns.map((_, column) =>
        html("div", {
          class: "cl-cell",
          role: "gridcell",
          tabindex: row + column === 0 ? 0 : -1,
          click: () => {
            this.#reach(row, column);
            this.act?.(row, column);
          },
          focus: () => this.#arrive(row, column),
        }),
      ),
    );
    this.element = html(
      "div",
      { class: "cl-matrix", role: "grid", "aria-label": label, keydown: (event) => this.#key(event) },
      html("div", { class: "cl-row", role: "row" }, html("div", { class: "cl-corner" }), ...heads),
      ...this.cells.map((cells, row) => html("div", { class: "cl-row", role: "row" }, this.rowHeads[row], ...cells)),
    );
    this.element.style.setProperty("--columns", String(columns.length));
  }

  /** @param {Cell[][]} rows @param {number} selected the row that is followed */
  show(rows, selected) {
    rows.forEach((cells, row) => {
      this.rowHeads[row].parentElement?.classList.toggle("cl-selected", row === selected);
      cells.forEach((cell, column) => {
        const before = this.shown[row]?.[column];
        if (before && PARTS_OF_CELL.every((part) => before[part] === cell[part])) return;
        const element = this.cells[row][column];
        setText(element, cell.text);
        element.style.background = cell.fill ?? "";
        element.style.color = cell.ink ?? "";
        setAttributes(element, { "data-is": cell.state ?? "", "aria-label": cell.name });
      });
    });
    this.shown = rows;
  }

  /** @param {number} row @param {number} column */
  #arrive(row, column) {
    if (this.at[0] === row && this.at[1] === column) return;
    this.cells[this.at[0]][this.at[1]].tabIndex = -1;
    this.cells[row][column].tabIndex = 0;
    this.at = [row, column];
    this.go?.(row, column);
  }

  /** @param {number} row @param {number} column */
  #reach(row, column) {
    this.#arrive(row, column);
    this.cells[row][column].focus({ preventScroll: true });
    this.go?.(row, column);
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    const [row, column] = this.at;
    const [last, end] = [this.size[0] - 1, this.size[1] - 1];
    /** @type {Record<string, [number, number]>} */
    const ways = {
      ArrowUp: [Math.max(0, row - 1), column],
      ArrowDown: [Math.min(last, row + 1), column],
      ArrowLeft: [row, Math.max(0, column - 1)],
      ArrowRight: [row, Math.min(end, column + 1)],
      Home: [row, 0],
      End: [row, end],
    };
    if (event.key === "Enter" || event.key === " ") this.act?.(row, column);
    else if (event.key in ways) this.#reach(...ways[event.key]);
    else return;
    event.preventDefault();
  }
}

/**
 * The root of a widget: a title, a sentence that says what to do, a place for the rest, and a voice. It says so when the
 * kernel behind it is gone.
 * @param {{model: any, el: HTMLElement}} host @param {string} name @param {{title?: string, hint?: string}} texts
 */
export function frame({ model, el }, name, { title, hint }) {
  const announcer = new Announcer();
  const gone = html("div", { class: "cl-trouble", role: "alert", hidden: true }, KIT_TEXT.gone);
  const body = html("div", { class: "cl-body" });
  const head = html(
    "header",
    { class: "cl-head" },
    ...(title ? [html("div", { class: "cl-title", role: "heading", "aria-level": "3" }, title)] : []),
    ...(hint ? [html("p", { class: "cl-hint" }, hint)] : []),
  );
  const root = html("div", { class: `cl cl-${name}` }, head, gone, body, announcer.element);
  keepPlainKeys(root);
  const onGone = () => (gone.hidden = false);
  model.on("comm_live_update", onGone);
  el.append(root);
  return {
    root,
    head,
    body,
    announcer,
    /** Note that the present state has been drawn. */
    painted: () => (root.dataset.paintedSeq = String(Number(root.dataset.paintedSeq ?? 0) + 1)),
    leave: () => model.off("comm_live_update", onGone),
  };
}

const KIT_TEXT = {
  gone: "The kernel that this picture came from was restarted or shut down. Run its cell again.",
};

/**
 * Keep a view and its model in step: `draw` runs at most once a frame after any of these traits has changed.
 * @param {any} model @param {string[]} traits @param {() => void} draw
 */
export function keepDrawn(model, traits, draw) {
  const soon = oncePerFrame(draw);
  for (const trait of traits) model.on(`change:${trait}`, soon);
  draw();
  return () => {
    for (const trait of traits) model.off(`change:${trait}`, soon);
  };
}

/**
 * Do something whenever an element comes on the page, which is after it was first drawn, is resized, or turns from light to
 * dark: what was painted in pixels keeps its colours.
 * @param {Element} element @param {() => void} act
 */
export function onNewLook(element, act) {
  const size = new ResizeObserver(act);
  size.observe(element);
  const theme = new MutationObserver(act);
  theme.observe(document.body, { attributeFilter: ["data-jp-theme-light", "data-jp-theme-name"] });
  const preference = matchMedia("(prefers-color-scheme: dark)");
  preference.addEventListener("change", act);
  return () => {
    size.disconnect();
    theme.disconnect();
    preference.removeEventListener("change", act);
  };
}

/** Change a trait, here and in Python, if it differs. @param {any} model @param {string} trait @param {any} value */
export function put(model, trait, value) {
  if (model.get(trait) === value) return;
  model.set(trait, value);
  model.save_changes();
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

/**
 * A map of up to some hundred thousand numbers on a canvas. The arrow keys walk through it, and each cell is told in words.
 */
export class HeatMap {
  /**
   * @param {{label: string, rows: string[], columns: string[], rowName?: string, columnName?: string, signed?: boolean,
   *   tell: (row: number, column: number, value: number) => string,
   *   go?: (row: number, column: number) => void, act?: (row: number, column: number) => void,
   *   paint?: (canvas: HTMLCanvasElement) => void}} options
   *   tell: what a cell says; go: a cell was reached by key or click; act: it was clicked, or Enter or Space pressed;
   *   paint: draws more than one colour a cell.
   */
  constructor({ label, rows, columns, rowName = "", columnName = "", signed = false, tell, go, act, paint }) {
    this.rows = rows;
    this.columns = columns;
    this.signed = signed;
    this.tell = tell;
    this.go = go;
    this.act = act;
    this.paint = paint;
    this.at = [0, 0];
    this.under = [0, 0]; // the pointer, while the tip is shown
    /** @type {ArrayLike<number>[]} */
    this.values = [];
    this.top = 1;
    /** @type {{image: ImageData, pixels: Uint32Array, signed: boolean, top: number, rows: ArrayLike<number>[]} | null} */
    this.painted = null;
    const again = () => {
      this.painted = null;
      this.#paint();
    };
    this.canvas = /** @type {HTMLCanvasElement} */ (html("canvas", { class: "cl-canvas", contextrestored: again }));
    this.tip = html("div", { class: "cl-tip-text", hidden: true, "aria-hidden": "true" });
    this.cursor = html("div", { class: "cl-cursor", "aria-hidden": "true" });
    this.band = html("div", { class: "cl-band", "aria-hidden": "true", hidden: true });
    const place = html("div", { class: "cl-map-place" }, this.canvas, this.band, this.cursor);
    const some = (/** @type {string[]} */ names) => {
      const numbers = names.every((name) => /^\d+$/.test(name)); // every other one tells the rest
      const step = names.length > 24 ? Math.ceil(names.length / 12) : numbers && names.join("").length > 20 ? 2 : 1;
      return names.map((name, index) => (index % step ? "" : name));
    };
    const names = (/** @type {string[]} */ texts, /** @type {string} */ kind) =>
      html(
        "div",
        { class: `cl-map-${kind}`, "aria-hidden": "true" },
        ...some(texts).map((text, index) => html("span", { title: texts[index] }, text)),
      );
    this.place = place;
    this.element = html(
      "div",
      {
        class: `cl-map${columns.length > 24 || columns.some((name) => name.length > 3) ? " cl-steep" : ""}`,
        role: "application",
        "aria-roledescription": label,
        tabindex: 0,
        keydown: (event) => this.#key(event),
        focus: () => this.#mark(),
        blur: () => (this.tip.hidden = true),
      },
      html("span", { class: "cl-map-axis" }, rowName && columnName ? `${columnName} →\n${rowName} ↓` : ""),
      names(columns, "columns"),
      names(rows, "rows"),
      place,
      this.tip,
    );
    this.element.style.setProperty("--rows", String(rows.length));
    this.element.style.setProperty("--columns", String(columns.length));
    setAttributes(place, {
      pointerdown: (event) => this.#hover(event),
      pointermove: (event) => this.#hover(event),
      pointerleave: (event) => (this.tip.hidden ||= event.pointerType !== "touch"), // a finger leaves to let us read
      pointercancel: () => (this.tip.hidden = true), // it was scrolling
      click: (event) => {
        const cell = this.#cellUnder(event);
        this.#reach(cell);
        this.act?.(...cell);
      },
    });
  }

  /**
   * @param {ArrayLike<number>[]} values rows of numbers; a row that is the same array as before is not painted again
   * @param {{top?: number, row?: number | null}} [options] top: the size with the strongest colour; row: one to mark.
   */
  show(values, { top = 1, row = null } = {}) {
    this.values = values;
    this.top = top || 1;
    this.#paint();
    this.band.hidden = row === null;
    if (row !== null) this.band.style.setProperty("--row", String(row));
    this.#mark();
    if (!this.tip.hidden) this.#tellUnder();
  }

  #paint() {
    if (this.paint) {
      this.paint(this.canvas);
      return;
    }
    const [height, width] = [this.rows.length, this.columns.length];
    const { values, top, signed } = this;
    const context = /** @type {CanvasRenderingContext2D} */ (this.canvas.getContext("2d"));
    if (!this.painted) {
      Object.assign(this.canvas, { width, height });
      const image = context.createImageData(width, height);
      this.painted = { image, pixels: new Uint32Array(image.data.buffer), signed, top, rows: [] };
    }
    const { image, pixels, ...then } = this.painted;
    const sameColours = then.signed === signed && then.top === top;
    let [first, last] = [height, -1];
    for (let r = 0; r < height; r++) {
      const row = values[r];
      if (sameColours && row === then.rows[r]) continue;
      for (let c = 0, at = r * width; c < width; c++, at++) {
        const share = row[c] / top;
        if (Number.isNaN(share))
          pixels[at] = 0; // clear
        else if (!signed) pixels[at] = cividisPixel(share);
        else pixels[at] = (share < 0 ? BLUE_PIXEL : RED_PIXEL) | (Math.round(Math.min(1, Math.abs(share)) * 255) << 24);
      }
      [first, last] = [Math.min(first, r), r];
    }
    Object.assign(this.painted, { signed, top, rows: values.slice() });
    if (last >= 0) context.putImageData(image, 0, 0, 0, first, width, last + 1 - first);
  }

  /** Mark a cell from outside. @param {number} row @param {number} column */
  pick(row, column) {
    this.at = [row, column];
    this.#mark();
  }

  #mark() {
    const [row, column] = this.at;
    this.cursor.style.setProperty("--row", String(row));
    this.cursor.style.setProperty("--column", String(column));
    this.element.setAttribute("aria-label", this.#words(row, column));
  }

  /** @param {number} row @param {number} column */
  #words(row, column) {
    return this.values.length ? this.tell(row, column, this.values[row][column]) : "";
  }

  /** @param {PointerEvent | MouseEvent} event @returns {[number, number]} */
  #cellUnder(event) {
    const box = this.place.getBoundingClientRect();
    const part = (/** @type {number} */ at, /** @type {number} */ size, /** @type {number} */ count) =>
      Math.min(count - 1, Math.max(0, Math.floor((at / size) * count)));
    return [
      part(event.clientY - box.top, box.height, this.rows.length),
      part(event.clientX - box.left, box.width, this.columns.length),
    ];
  }

  /** @param {PointerEvent} event */
  #hover(event) {
    this.under = this.#cellUnder(event);
    this.#tellUnder();
    const box = this.element.getBoundingClientRect();
    this.tip.style.left = `${Math.min(event.clientX - box.left + 12, Math.max(0, box.width - 190))}px`;
    this.tip.style.top = `${event.clientY - box.top + 14}px`;
    this.tip.hidden = false;
  }

  #tellUnder() {
    setText(this.tip, this.#words(this.under[0], this.under[1]));
  }

  /** @param {[number, number]} cell */
  #reach(cell) {
    this.at = cell;
    this.#mark();
    this.go?.(...cell);
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const [row, column] = this.at;
    const step = event.shiftKey ? 8 : 1;
    const [last, end] = [this.rows.length - 1, this.columns.length - 1];
    /** @type {Record<string, [number, number]>} */
    const ways = {
      ArrowUp: [Math.max(0, row - step), column],
      ArrowDown: [Math.min(last, row + step), column],
      ArrowLeft: [row, Math.max(0, column - step)],
      ArrowRight: [row, Math.min(end, column + step)],
      Home: [row, 0],
      End: [row, end],
    };
    if (event.key === "Enter" || event.key === " ") this.act?.(row, column);
    else if (event.key in ways) this.#reach(ways[event.key]);
    else return;
    event.preventDefault();
  }
}

/** @param {number} share @returns {number[]} */
function cividisNumbers(share) {
  const position = Math.min(1, Math.max(0, share || 0)) * (CIVIDIS.length - 1);
  const left = Math.min(Math.floor(position), CIVIDIS.length - 2);
  return CIVIDIS[left].map((from, i) => from + (CIVIDIS[left + 1][i] - from) * (position - left));
}

// The same as pixels of a canvas: alpha, blue, green, red from the highest byte, as every machine with a browser stores them.
const pixel = (/** @type {number[]} */ [red, green, blue], alpha = 255) =>
  ((alpha << 24) | (blue << 16) | (green << 8) | red) >>> 0;
const CIVIDIS_PIXELS = Uint32Array.from({ length: 256 }, (_, level) =>
  pixel(cividisNumbers(level / 255).map(Math.round)),
);
const cividisPixel = (/** @type {number} */ share) =>
  CIVIDIS_PIXELS[share > 0 ? Math.round(Math.min(1, share) * 255) : 0];
const [BLUE_PIXEL, RED_PIXEL] = [pixel([0, 114, 178], 0), pixel([213, 94, 0], 0)];

/**
 * Paint many small maps side by side, each as bright as it gets.
 * @param {HTMLCanvasElement} canvas @param {number} perRow @param {Float32Array[]} maps @param {number} width of one
 */
export function paintMaps(canvas, perRow, maps, width) {
  const height = maps[0].length / width;
  const size = Math.ceil(24 / Math.max(width, height)); // pixels a cell: the gap of one pixel stays thin beside small maps
  const [across, down] = [width * size + 1, height * size + 1];
  Object.assign(canvas, { width: perRow * across - 1, height: Math.ceil(maps.length / perRow) * down - 1 });
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const image = context.createImageData(canvas.width, canvas.height);
  const pixels = new Uint32Array(image.data.buffer);
  maps.forEach((map, index) => {
    const top = map.reduce((most, value) => Math.max(most, value), 1e-9);
    const [left, above] = [(index % perRow) * across, Math.floor(index / perRow) * down];
    map.forEach((value, number) => {
      const colour = cividisPixel(value / top);
      const start = (above + Math.floor(number / width) * size) * canvas.width + left + (number % width) * size;
      for (let row = 0; row < size; row++)
        pixels.fill(colour, start + row * canvas.width, start + row * canvas.width + size);
    });
  });
  context.putImageData(image, 0, 0);
}

/** Lines and bars over one pair of axes. */
export class Chart {
  /** @param {{label: string, xName: string, yName: string, width?: number, height?: number}} options */
  constructor({ label, xName, yName, width = 360, height = 190 }) {
    this.size = [width, height];
    this.inner = { left: 42, right: width - 16, top: 8, bottom: height - 34 };
    this.axes = svg("g", { class: "cl-grid" });
    this.marks = svg("g");
    const { left, right, bottom, top } = this.inner;
    this.element = svg(
      "svg",
      { class: "cl-chart", viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label },
      this.axes,
      this.marks,
      svg("text", { class: "cl-axis-name", x: (left + right) / 2, y: height - 4, "text-anchor": "middle" }, xName),
      svg(
        "text",
        {
          class: "cl-axis-name",
          transform: `translate(11 ${(top + bottom) / 2}) rotate(-90)`,
          "text-anchor": "middle",
        },
        yName,
      ),
    );
  }

  /**
   * @param {{x: [number, number], y: [number, number],
   *   lines?: {points: [number, number][], kind: string, dashed?: boolean}[],
   *   bars?: {from: number, to: number, height: number, kind: string}[],
   *   dots?: {at: [number, number], kind: string, text?: string}[]}} drawing
   */
  show({ x, y, lines = [], bars = [], dots = [] }) {
    const { left, right, top, bottom } = this.inner;
    const px = (/** @type {number} */ at) => left + ((at - x[0]) / (x[1] - x[0] || 1)) * (right - left);
    const py = (/** @type {number} */ at) => bottom - ((at - y[0]) / (y[1] - y[0] || 1)) * (bottom - top);
    const within = (/** @type {number} */ at) => Math.min(bottom, Math.max(top, at));
    this.axes.replaceChildren(
      svg("path", { class: "cl-axis", d: `M ${left} ${top} V ${bottom} H ${right}` }),
      ...ticks(...x).flatMap((at) => [
        svg("path", { class: "cl-line", d: `M ${px(at)} ${top} V ${bottom}` }),
        svg("text", { x: px(at), y: bottom + 12, "text-anchor": "middle" }, tickName(at)),
      ]),
      ...ticks(...y).flatMap((at) => [
        svg("path", { class: "cl-line", d: `M ${left} ${py(at)} H ${right}` }),
        svg("text", { x: left - 4, y: py(at) + 3, "text-anchor": "end" }, tickName(at)),
      ]),
    );
    this.marks.replaceChildren(
      ...bars.map(({ from, to, height, kind }) =>
        svg("rect", {
          class: `cl-bar cl-${kind}`,
          x: px(from),
          width: Math.max(0.5, px(to) - px(from) - 0.6),
          y: within(py(height)),
          height: Math.max(0, bottom - within(py(height))),
        }),
      ),
      ...lines.map(({ points, kind, dashed }) =>
        svg("path", {
          class: `cl-curve cl-${kind}${dashed ? " cl-dashed" : ""}`,
          d: points.map(([at, value], index) => `${index ? "L" : "M"} ${px(at)} ${within(py(value))}`).join(" "),
        }),
      ),
      ...dots.flatMap(({ at, kind, text }) => [
        svg("circle", { class: `cl-dot cl-${kind}`, cx: px(at[0]), cy: within(py(at[1])), r: 4 }),
        ...(text ? [svg("text", { class: "cl-dot-name", x: px(at[0]) + 6, y: within(py(at[1])) - 6 }, text)] : []),
      ]),
    );
  }
}

/** Round numbers along an axis, four to eight of them. @param {number} from @param {number} to */
function ticks(from, to) {
  const rough = (to - from) / 5 || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= rough) ?? rough;
  const found = [];
  for (let at = Math.ceil(from / step - 1e-9) * step; at <= to + step * 1e-6; at += step) found.push(at);
  return found;
}

/** @param {number} at */
function tickName(at) {
  return String(Number(at.toPrecision(4))).replace("-", "−");
}
