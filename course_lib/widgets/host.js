// Stands in for the notebook on a page without a kernel: holds the state, tells the widget what changed, asks nobody.
const bytes = (text) => new DataView(Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)).buffer);
const values = new Map(
  Object.entries(STATE).map(([name, value]) => [name, "json" in value ? value.json : bytes(value.base64)]),
);
const listeners = new Map();
const model = {
  hasKernel: false,
  get: (name) => values.get(name),
  set: (name, value) => {
    values.set(name, value);
    for (const listener of [...(listeners.get(`change:${name}`) ?? [])]) listener();
  },
  save_changes: () => {},
  send: () => {},
  on: (name, listener) => listeners.set(name, [...(listeners.get(name) ?? []), listener]),
  off: (name, listener) =>
    listeners.set(
      name,
      (listeners.get(name) ?? []).filter((other) => other !== listener),
    ),
};
const address = URL.createObjectURL(new Blob([MODULE], { type: "text/javascript" }));
const { default: widget } = await import(address);
widget.render({ model, el: document.querySelector("main") });
