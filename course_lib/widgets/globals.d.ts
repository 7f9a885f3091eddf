/** What Python writes before host.js into a page without a kernel. */
declare const STATE: Record<string, { json: unknown } | { base64: string }>;
declare const MODULE: string;
/** What Python writes before loader.js: path of each module -> its text, and the paths of what it imports. */
declare const MODULES: Record<string, { text: string; imports: Record<string, string> }>;
/** Addresses of all modules that are on this page, by their text. */
declare var courseModules: Map<string, string> | undefined;
