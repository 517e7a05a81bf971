/** The end of the time: decided by the server's clock and the server's word, never by this computer. */

const JITTER_MS = 3000;
const PAUSE_MS = 2000;
const PATIENCE_MS = 60000;

/** @param {{store: any, clock: any, session: any, random?: () => number}} deps */
export function createEnding({ store, clock, session, random = Math.random }) {
  let overSince = null;
  let nextCheck = 0;
  let checking = false;

  /** Send what waits, ask the server once more, and hand in only if it agrees that the time is over. */
  async function check() {
    const sync = session.sync();
    if (!sync) return;
    const drained = await sync.drain(5000);
    const answer = await sync.beat();
    if (!answer || store.get().lock !== "time_over") return;
    const over = clock.until(answer.deadline_at) <= 0;
    if (over && (drained || clock.monotonic() - overSince > PATIENCE_MS)) await session.finish();
  }

  function begin() {
    overSince = clock.monotonic();
    nextCheck = overSince + random() * JITTER_MS;
    store.dispatch({ type: "lock", lock: "time_over" });
  }

  return {
    tick() {
      const { phase, lock, deadlineAt, receipt, hold } = store.get();
      const left = clock.until(deadlineAt);
      if (phase !== "exam" || receipt || left === null || (hold && hold.kind === "paused")) return;
      if (left > 0) {
        if (lock === "time_over") store.dispatch({ type: "lock", lock: null });
        return;
      }
      if (lock === null) begin();
      if (store.get().lock !== "time_over" || checking || clock.monotonic() < nextCheck) return;
      checking = true;
      check().then(() => {
        checking = false;
        nextCheck = clock.monotonic() + PAUSE_MS;
      });
    },
  };
}
