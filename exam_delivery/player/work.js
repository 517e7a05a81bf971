/** Opens the working state of an attempt: the form, the server's answers and what this computer still holds. */
import { indexedDatabase, openOutbox } from "./outbox.js";
import { createKept } from "./form.js";
import { createSync } from "./sync.js";
import { mergeResponses } from "./selectors.js";

/** When and under which sign-in an answer was given: by the server's clock too, never by this computer's alone. */
function stamp(store, clock) {
  const { rescue } = store.get().signIn;
  return { client_time: new Date().toISOString(), at: clock.heard() ? new Date(clock.now()).toISOString() : null, generation: rescue ? rescue.generation : 0 };
}

/** The form and the answers that the server has; while it is away, both as they were kept for a reload. */
async function find({ api, attempt, opened, kept }) {
  try {
    const [form, answer] = await Promise.all([opened || api.form(attempt), api.responses(attempt)]);
    return { form, answer, responses: answer.responses || {} };
  } catch (error) {
    const found = error.passing && (await kept.open());
    if (found) return found;
    throw error;
  }
}

/**
 * Read this computer first and the server after it: an answer that another tab gets acknowledged meanwhile is then in one
 * of the two, never in neither. A form that was fetched before the start is `opened`; else it comes now.
 * @returns {Promise<{outbox: any, sync: any}|null>} null when the attempt is already handed in
 */
export async function openWork({ store, api, clock, attempt, opened, key, onClosed }) {
  const onFallback = () => store.set({ durable: false });
  const outbox = await openOutbox({ attempt, factory: indexedDatabase(), onFallback });
  const kept = createKept({ outbox, attempt, key });
  const [local, marks] = await Promise.all([outbox.events(), outbox.marks()]);
  const { form, answer, responses } = await find({ api, attempt, opened, kept });
  if (answer && answer.status === "submitted") return null;
  const onSettled = () => kept.keepAnswers(store.get());
  const sync = createSync({ api, outbox, store, attempt, onClosed, onSettled, stamp: () => stamp(store, clock) });
  const { pending, stale } = mergeResponses(responses, local);
  store.dispatch({ type: "form_opened", form, responses, local, marks });
  if (answer) {
    stale.forEach((event) => outbox.remove(event.slot, event.seq));
    store.dispatch({ ...answer, type: "timing" });
    kept.keepForm(form);
    onSettled();
  } else sync.offline();
  local.filter((event) => pending[event.slot] === event.seq).forEach((event) => sync.enqueue(event));
  return { outbox, sync };
}
