/**
 * JupyterLab asks this script for a module as it would ask a bundle (webpack's module federation). It gets a plain one, so
 * that nothing has to be built. `init` must not wait: JupyterLab begins at the page's load event, which would not wait for it.
 */
{
  const plugin = new URL("plugin.js", /** @type {HTMLScriptElement} */ (document.currentScript).src).href;
  /** @type {any} */
  let packages;
  /** @type {any} */ (globalThis)._JUPYTERLAB ??= {};
  /** @type {any} */ (globalThis)._JUPYTERLAB["attention-course"] = {
    /** @param {any} shared */
    init: (shared) => {
      packages = shared;
    },
    get: async () => {
      const module = await import(plugin);
      module.share(packages);
      return () => ({ __esModule: true, default: module.default });
    },
  };
}
