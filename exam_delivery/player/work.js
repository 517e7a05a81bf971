/** Opens the working state of an attempt: the form, the server's answers and what this computer still holds. */
import { indexedDatabase, openOutbox } from "./outbox.js";
import { createSync } from "./sync.js";
import { mergeResponses } from "./responses.js";

/** When and under which sign-in an answer was given: by the server's clock too, never by this computer's alone. */
function stamp(store, clock) {
  const [now, rescue] = [clock.now(), store.get().signIn.rescue];
  return { client_time: new Date().toISOString(), at: now === null ? null : new Date(now).toISOString(), generation: rescue ? rescue.generation : 0 };
}

/**
 * Read this computer first and the server after it: an answer that another tab gets acknowledged meanwhile is then in one
 * of the two, never in neither. A form that was fetched before the start is `opened`; else it comes now.
 * @returns {Promise<{outbox: any, sync: any}|null>} null when the attempt is already handed in
 */
export async function openWork({ store, api, clock, attempt, opened, onClosed }) {
  const onFallback = () => store.dispatch({ type: "set", values: { durable: false } });
  const outbox = await openOutbox({ attempt, factory: indexedDatabase(), onFallback });
  const [local, marks] = await Promise.all([outbox.events(), outbox.marks()]);
  const [form, answer] = await Promise.all([opened || api.form(attempt), api.responses(attempt)]);
  if (answer.status === "submitted") return null;
  const sync = createSync({ api, outbox, store, attempt, onClosed, stamp: () => stamp(store, clock) });
  const responses = answer.responses || {};
  const { pending, stale } = mergeResponses(responses, local);
  stale.forEach((event) => outbox.remove(event.slot, event.seq));
  store.dispatch({ type: "form_opened", form, responses, local, marks });
  store.dispatch({ ...answer, type: "timing" });
  local.filter((event) => pending[event.slot] === event.seq).forEach((event) => sync.enqueue(event));
  return { outbox, sync };
}
