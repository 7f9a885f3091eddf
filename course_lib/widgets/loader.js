// Loads a widget's modules, which stand before it as MODULES, each after those that it imports. Every one gets an address,
// by its text, so that a page evaluates each once however many widgets use it.
const addresses = globalThis.courseModules ?? new Map();
globalThis.courseModules = addresses;
/** @type {Record<string, string>} */
const placed = {};
let address = ""; // at the end, the widget's own
for (const [path, { text, imports }] of Object.entries(MODULES)) {
  let linked = `${text}\n//# sourceURL=course_lib/widgets/${path}`;
  for (const [name, needed] of Object.entries(imports))
    for (const mark of ['"', "'"]) linked = linked.replaceAll(mark + name + mark, mark + placed[needed] + mark);
  address = addresses.get(linked) ?? URL.createObjectURL(new Blob([linked], { type: "text/javascript" }));
  addresses.set(linked, address);
  placed[path] = address;
}
const { default: widget } = await import(address);

export default widget;
