/** Safe Exam Browser: what the page reads by script, for browsers that add no headers of their own. */

const PATIENCE_MS = 2000;
const security = () => (globalThis.SafeExamBrowser && globalThis.SafeExamBrowser.security) || null;

/** Whether the page runs inside it. */
export const insideSeb = () => Boolean(globalThis.SafeExamBrowser) || /\bSEB\//.test(globalThis.navigator ? navigator.userAgent : "");

/** Whether it keeps a clipboard of its own, as on Windows. */
export const ownClipboard = () => Boolean(globalThis.SafeExamBrowser && globalThis.SafeExamBrowser.clipboard);

/** On Mac and iPad the keys come when they are asked for; what is to be called then is taken by its name alone. */
function updated(keys) {
  const asked = new Promise((resolve) => {
    globalThis.sebKeysRead = function sebKeysRead() { resolve(); };
    keys.updateKeys(globalThis.sebKeysRead);
  });
  return Promise.race([asked, new Promise((resolve) => setTimeout(resolve, PATIENCE_MS))]);
}

function proof({ configKey, browserExamKey }) {
  if (!configKey) return {};
  return {
    "X-Kaoku-Seb-Page": globalThis.location.href.split("#")[0],
    "X-Kaoku-Seb-Config": configKey,
    "X-Kaoku-Seb-Exam": browserExamKey || "",
  };
}

/**
 * Headers that prove the browser: hashes of this page's address. Without waiting where they are there already, so that a last
 * save on leaving still goes out.
 * @returns {Record<string, string> | Promise<Record<string, string>>}
 */
export function sebHeaders() {
  const keys = security();
  if (!keys) return {};
  if (keys.configKey || typeof keys.updateKeys !== "function") return proof(keys);
  return updated(keys).then(() => proof(keys));
}
