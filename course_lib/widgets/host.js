// Stands in for the notebook on a page without a kernel: holds the state, tells the widget what changed, asks nobody.
// STATE and MODULE stand before it on the page.
const bytes = (/** @type {string} */ text) =>
  new DataView(Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)).buffer);
const values = new Map(
  Object.entries(STATE).map(([name, value]) => [name, "json" in value ? value.json : bytes(value.base64)]),
);
/** @type {Map<string, (() => void)[]>} */
const listeners = new Map();
const model = {
  hasKernel: false,
  get: (/** @type {string} */ name) => values.get(name),
  set: (/** @type {string} */ name, /** @type {unknown} */ value) => {
    values.set(name, value);
    for (const listener of [...(listeners.get(`change:${name}`) ?? [])]) listener();
  },
  save_changes: () => {},
  send: () => {},
  on: (/** @type {string} */ name, /** @type {() => void} */ listener) =>
    listeners.set(name, [...(listeners.get(name) ?? []), listener]),
  off: (/** @type {string} */ name, /** @type {() => void} */ listener) =>
    listeners.set(
      name,
      (listeners.get(name) ?? []).filter((other) => other !== listener),
    ),
};
const address = URL.createObjectURL(new Blob([MODULE], { type: "text/javascript" }));
const { default: widget } = await import(address);
widget.render({ model, el: document.querySelector("main") });

export {};
