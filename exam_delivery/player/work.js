/** Opens the working state of an attempt: the form, the server's answers and what this computer still holds. */
import { indexedDatabase, openOutbox } from "./outbox.js";
import { createSync } from "./sync.js";
import { mergeResponses } from "./responses.js";

/** @returns {Promise<{outbox: any, sync: any}>} */
export async function openWork({ store, api, attempt, form, answer, onClosed }) {
  const onFallback = () => store.dispatch({ type: "set", values: { durable: false } });
  const outbox = await openOutbox({ attempt, factory: indexedDatabase(), onFallback });
  const [local, marks] = await Promise.all([outbox.events(), outbox.marks()]);
  const sync = createSync({ api, outbox, store, attempt, onClosed });
  const responses = answer.responses || {};
  const { pending, stale } = mergeResponses(responses, local);
  stale.forEach((event) => outbox.remove(event.slot, event.seq));
  store.dispatch({ type: "form_opened", form, responses, local, marks });
  store.dispatch({ ...answer, type: "timing" });
  local.filter((event) => pending[event.slot] === event.seq).forEach((event) => sync.enqueue(event));
  return { outbox, sync };
}
