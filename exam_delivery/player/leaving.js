/**
 * Leaving the exam page: noticed here, told to the server as events of their own, never mixed with answers.
 *
 * An absence shorter than the grace is none; opening a menu or the dialog that saves a file is excused. What was noticed is kept on
 * this computer until the server has it.
 */

const RESEND_MS = 3000;
const EXCUSE_MS = 5000;

/** @returns {string} how the page is away: "" when it is not */
export function awayKind({ hidden, focused, fullScreen, wantsFullScreen }) {
  if (hidden) return "hidden";
  if (!focused) return "blurred";
  return wantsFullScreen && !fullScreen ? "windowed" : "";
}

/**
 * Watches one attempt; `tick` drives it.
 * @param {{store: any, api: any, outbox: any, clock: any, attempt: string, conduct: any, look?: () => any, onReturn: (kind: string) => void}} deps
 */
export function createLeaving({ store, api, outbox, clock, attempt, conduct, onReturn, look = lookAround }) {
  const waiting = new Map();
  let away = null;
  let excused = -Infinity;
  let sentAt = -Infinity;
  let sending = false;
  let last = 0;
  let seenFull = false;

  /** Numbers grow with the server's clock, so that two computers of one candidate do not use the same. */
  function note(kind, seconds) {
    last = Math.max(last + 1, Math.round(clock.now() === null ? Date.now() : clock.now()));
    const event = { seq: last, kind, seconds, client_time: new Date().toISOString() };
    waiting.set(event.seq, event);
    outbox.keep("leaves", event.seq, event);
    sentAt = -Infinity;
  }

  function returned(now) {
    if (away.noted) {
      note("returned", Math.min(86400, Math.round((now - away.since) / 1000)));
      onReturn(away.kind);
    }
    away = null;
  }

  function watch(now) {
    const seen = look();
    seenFull = seenFull || seen.fullScreen;
    const kind = awayKind({ ...seen, wantsFullScreen: conduct.full_screen && seenFull });
    if (!kind && away) returned(now);
    if (kind && !away) away = { kind, since: now, noted: false, excused: now - excused < EXCUSE_MS };
    if (!away || away.noted || away.excused || now - away.since < conduct.leave_grace_seconds * 1000) return;
    away.noted = true;
    note(away.kind, 0);
  }

  async function send(now) {
    sending = true;
    sentAt = now;
    try {
      const answer = await api.leaves(attempt, [...waiting.values()].slice(0, 100));
      answer.acknowledged.forEach((seq) => {
        waiting.delete(seq);
        outbox.drop("leaves", seq);
      });
      store.dispatch({ ...answer, type: "timing" });
    } catch (error) {
      if ([404, 409, 410, 422].includes(error.status)) waiting.clear();
    }
    sending = false;
  }

  outbox.kept("leaves").then((events) => events.forEach((event) => waiting.set(event.seq, event)));
  return {
    /** The next absence is our own doing: a file is saved, a page is printed. */
    excuse() {
      excused = clock.monotonic();
    },
    tick() {
      const now = clock.monotonic();
      if (!conduct.leave_action || conduct.leave_action === "off") return;
      if (store.get().lock === null) watch(now);
      if (waiting.size && !sending && now - sentAt > RESEND_MS && store.get().auth === "ok") send(now);
    },
  };
}

/** What the browser says about page, window and screen. */
function lookAround() {
  const full = document.fullscreenElement || document.webkitFullscreenElement;
  return { hidden: document.visibilityState === "hidden", focused: document.hasFocus(), fullScreen: Boolean(full) };
}
