/** What belongs to this tab: what a reload must not lose besides answers, and the hold of the attempt among tabs. */

const KEY = `kaoku-exam:${location.pathname}`; // practice has its own

/** @returns {any} what was remembered, or null */
export function recall() {
  try {
    return JSON.parse(sessionStorage.getItem(KEY) || "null");
  } catch (error) {
    return null;
  }
}

/** Remember; a browser that refuses only costs another sign-in after a reload. */
export function remember(value) {
  try {
    sessionStorage.setItem(KEY, JSON.stringify(value));
  } catch (error) {
    forget();
  }
}

/** Leave nothing behind. */
export function forget() {
  try {
    sessionStorage.removeItem(KEY);
  } catch (error) {
    // nothing was kept
  }
}

/**
 * Announce this tab as the holder of the attempt: the tab that opened the exam last keeps it, the others are told.
 * @param {string} attempt
 * @param {() => void} onNewer called when a later tab opened the same attempt
 * @returns {() => void} stops listening
 */
export function holdInThisTab(attempt, onNewer) {
  if (typeof BroadcastChannel === "undefined") return () => {};
  const channel = new BroadcastChannel("kaoku-exam");
  channel.onmessage = ({ data }) => data && data.attempt === attempt && onNewer();
  channel.postMessage({ attempt });
  return () => channel.close();
}
