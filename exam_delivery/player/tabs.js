/** Two tabs of one browser: the tab that opened the exam last keeps it, the others are told. */

/**
 * Announce this tab as the holder of the attempt.
 * @param {string} attempt
 * @param {() => void} onNewer called when a later tab opened the same attempt
 * @returns {() => void} stops listening
 */
export function holdInThisTab(attempt, onNewer) {
  if (typeof BroadcastChannel === "undefined") return () => {};
  const channel = new BroadcastChannel("kaoku-exam");
  channel.onmessage = (message) => {
    if (message.data && message.data.attempt === attempt) onNewer();
  };
  channel.postMessage({ attempt });
  return () => channel.close();
}
