/**
 * Brings answers to the server and keeps contact.
 *
 * An answer is written to the outbox before it is sent, stays there until its own sequence number is acknowledged, and
 * is sent again with growing, jittered pauses until then. One save is under way at a time. `tick` drives everything, so
 * tests can drive it too.
 */

const COALESCE_MS = 800;
const HEARTBEAT_MS = 8000;
const PROBE_MS = 2500;
const SLOW_MS = 2500;
const BACKOFF_MS = 1000;
const BACKOFF_CAP_MS = 5000;
const BATCH = 200;
const stampNow = () => ({ client_time: new Date().toISOString() });
/** Locks under which nothing is sent any more; after `time_over` the last answers still go. */
const LOCKS = ["taken_over", "other_tab", "closed"];

/**
 * @param {{api: any, outbox: any, store: any, attempt: string, onClosed: () => void, [other: string]: any}} deps  `onSettled`: what the server has may have changed
 */
export function createSync({ api, outbox, store, attempt, onClosed, onSettled = () => {}, monotonic = () => performance.now(), random = Math.random, stamp = stampNow }) {
  /** @type {Map<number, import("./types.js").ResponseEvent>} */
  const queue = new Map();
  let due = null;
  let failures = 0;
  let saveFails = false;
  let single = false;
  let saving = null;
  let savingSince = 0;
  let beating = null;
  let lastContact = monotonic();

  const blocked = () => store.get().auth !== "ok" || LOCKS.includes(store.get().lock);
  const setLink = (link) => store.dispatch({ type: "link", link, at: monotonic() });

  function touched(answer) {
    lastContact = monotonic();
    if (saveFails && store.get().link === "offline") due = monotonic();
    setLink(saveFails ? "busy" : "online");
    store.dispatch({ ...answer, type: "timing" });
  }

  function settle(acknowledged) {
    Object.keys(acknowledged).forEach((slot) => {
      const event = queue.get(Number(slot));
      if (event && event.seq <= acknowledged[slot]) queue.delete(Number(slot));
      outbox.remove(Number(slot), acknowledged[slot]);
    });
    store.dispatch({ type: "acknowledged", acknowledged });
    onSettled();
  }

  function pause() {
    failures += 1;
    const wait = Math.min(BACKOFF_CAP_MS, BACKOFF_MS * 2 ** (failures - 1));
    due = monotonic() + wait * (0.5 + random() / 2);
  }

  /** One event that the server cannot read must not hold up the others: send singly, set the culprit aside. */
  function isolate(batch) {
    if (batch.length > 1) {
      single = true;
      due = monotonic();
      return;
    }
    const [event] = batch;
    if (queue.get(event.slot) === event) queue.delete(event.slot);
    store.dispatch({ type: "refused", slot: event.slot, seq: event.seq });
    single = queue.size > 0;
  }

  /** The server knows something newer for a slot: what it holds settles the matter, only the rest is set aside. */
  async function reconcile(batch) {
    const settled = batch.length === 1 && (!(await beat()) || queue.get(batch[0].slot) !== batch[0]);
    if (!settled) isolate(batch);
  }

  /** What a refusal means. */
  function refused(error, batch) {
    if (error.tells) store.set(error.tells);
    else if (error.code === "attempt_taken_over") store.dispatch({ type: "lock", lock: "taken_over" });
    else if (error.status === 410) onClosed();
    else if (error.status === 423) beat();
    else if (batch && [400, 413, 422].includes(error.status)) isolate(batch);
    else if (batch && error.status === 409) reconcile(batch);
    if (!error.passing) return;
    if (batch) saveFails = true;
    setLink(error.status === 0 ? "offline" : "busy");
  }

  function nextBatch() {
    const ready = [...queue.values()].filter((event) => outbox.isStored(event)).sort((a, b) => a.seq - b.seq);
    return ready.slice(0, single ? 1 : BATCH);
  }

  async function save(keepalive) {
    const batch = nextBatch();
    if (!batch.length) return;
    savingSince = monotonic();
    try {
      const answer = await api.save(attempt, batch, keepalive);
      saveFails = false;
      failures = 0;
      touched(answer);
      settle(answer.acknowledged);
      due = monotonic() + (single || queue.size > BATCH ? 0 : COALESCE_MS);
    } catch (error) {
      pause();
      refused(error, batch);
    }
  }

  /** Send what waits; a second call joins the one under way. */
  function flush(keepalive = false) {
    if (saving) return saving;
    if (blocked() || !queue.size) return Promise.resolve();
    saving = save(keepalive).then(() => {
      saving = null;
      if (queue.size) return;
      due = null;
      single = false;
    });
    return saving;
  }

  async function ask() {
    try {
      const answer = await api.responses(attempt);
      const durable = {};
      Object.keys(answer.responses || {}).forEach((slot) => {
        durable[slot] = answer.responses[slot].seq;
      });
      touched(answer);
      store.dispatch({ type: "responses", responses: answer.responses || {} });
      settle(durable);
      if (answer.status === "submitted") onClosed();
      return answer;
    } catch (error) {
      lastContact = monotonic();
      refused(error, null);
      return null;
    }
  }

  /** Ask for status, deadline and durable answers; null when there was no answer. */
  function beat() {
    if (!beating) {
      beating = ask().then((answer) => {
        beating = null;
        return answer;
      });
    }
    return beating;
  }

  return {
    /** Keep and send one change of the candidate. */
    record(slot, response) {
      store.dispatch({ type: "answered", slot, response });
      const { seq } = store.get().answers[slot];
      this.enqueue({ slot, seq, response, ...stamp() });
    },
    enqueue(event) {
      queue.set(event.slot, event);
      if (due === null) due = monotonic() + COALESCE_MS;
      return outbox.put(event);
    },
    flush,
    beat,
    unsent: () => [...queue.values()],
    /** To be called a few times a second. */
    tick() {
      if (blocked()) return;
      const now = monotonic();
      if (saving && now - savingSince > SLOW_MS && store.get().link === "online") setLink("slow");
      if (!saving && queue.size && due !== null && now >= due) flush();
      const rest = store.get().link === "online" && !store.get().hold ? HEARTBEAT_MS : PROBE_MS;
      if (!saving && now - lastContact >= rest) beat();
    },
    /** The browser says the network is back, or somebody signed in again: try at once. */
    retry() {
      failures = 0;
      due = monotonic();
      lastContact = -Infinity;
    },
    offline: () => setLink("offline"),
    /** Try to get everything acknowledged within the time; true when nothing waits any more. */
    async drain(milliseconds) {
      const end = monotonic() + milliseconds;
      while (queue.size && !blocked() && monotonic() < end) {
        await flush();
        if (queue.size) await new Promise((resolve) => setTimeout(resolve, 300));
      }
      return queue.size === 0;
    },
  };
}
