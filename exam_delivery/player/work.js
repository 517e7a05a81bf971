/** Opens the working state of an attempt: the form, the server's answers and what this computer still holds. */
import { indexedDatabase, openOutbox } from "./outbox.js";
import { createSync } from "./sync.js";
import { mergeResponses } from "./responses.js";

/**
 * Read this computer first and the server after it: an answer that another tab gets acknowledged meanwhile is then in one
 * of the two, never in neither.
 * @returns {Promise<{outbox: any, sync: any}|null>} null when the attempt is already handed in
 */
export async function openWork({ store, api, attempt, onClosed }) {
  const onFallback = () => store.dispatch({ type: "set", values: { durable: false } });
  const outbox = await openOutbox({ attempt, factory: indexedDatabase(), onFallback });
  const [local, marks] = await Promise.all([outbox.events(), outbox.marks()]);
  const [form, answer] = await Promise.all([api.form(attempt), api.responses(attempt)]);
  if (answer.status === "submitted") return null;
  const sync = createSync({ api, outbox, store, attempt, onClosed });
  const responses = answer.responses || {};
  const { pending, stale } = mergeResponses(responses, local);
  stale.forEach((event) => outbox.remove(event.slot, event.seq));
  store.dispatch({ type: "form_opened", form, responses, local, marks });
  store.dispatch({ ...answer, type: "timing" });
  local.filter((event) => pending[event.slot] === event.seq).forEach((event) => sync.enqueue(event));
  return { outbox, sync };
}
