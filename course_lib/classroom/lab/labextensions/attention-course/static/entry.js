/**
 * JupyterLab asks this script for a module as it would ask a bundle (webpack's module federation). It gets a plain one, so
 * that nothing has to be built.
 */
{
  const place = /** @type {HTMLScriptElement} */ (document.currentScript).src;
  const plugin = import(new URL("plugin.js", place).href);
  /** @type {any} */ (globalThis)._JUPYTERLAB ??= {};
  /** @type {any} */ (globalThis)._JUPYTERLAB["attention-course"] = {
    /** @param {any} packages */
    init: async (packages) => (await plugin).share(packages),
    get: async () => {
      const module = await plugin;
      return () => ({ __esModule: true, default: module.default });
    },
  };
}
