/** What Python writes before host.js into a page without a kernel. */
declare const STATE: Record<string, { json: unknown } | { base64: string }>;
declare const MODULE: string;
