/**
 * The form and the work on it. While the server cannot give the form: fetched sealed while one waits, so that the start needs a small key alone and no rush of
 * forms follows it; and kept for a reload, together with the answers that the server has (the others lie in the outbox anyway).
 *
 * What is kept for a reload lies sealed on this computer, one candidate's at a time, under a key that only the memory of this tab
 * holds: whoever opens the exam in another tab, or after this one was closed, finds nothing to read. It is kept only where the page
 * itself comes back.
 */
import { openOutbox } from "./outbox.js";
import { fromBase64, utf8 } from "./rescue.js";
import { open } from "./seal.js";
import { insideSeb } from "./seb.js";
import { mergeResponses } from "./selectors.js";
import { createSync } from "./sync.js";

const NONCE = new Uint8Array(12);
const FORM = 0;
const ANSWERS = 1;

/** Whether this browser can unpack what it opened; others fetch the form at the start. */
const canUnpack = () => typeof DecompressionStream === "function";

async function unpacked(packed) {
  return new Response(new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"))).json();
}

/** What is fetched ahead for one attempt; nothing here ever keeps anybody from starting. */
export function createAhead(api) {
  let sealed = null;
  return {
    async fetch(attempt) {
      if (!api.sealedForm || !canUnpack()) return;
      try {
        sealed = new Uint8Array(await api.sealedForm(attempt));
      } catch (error) {
        sealed = null;
      }
    },
    /** @returns {Promise<any>} the form, or null when it must be fetched after all */
    async open(attempt, key) {
      if (!sealed || !key) return null;
      try {
        const packed = open(fromBase64(key), NONCE, sealed, utf8(attempt));
        return packed && (await unpacked(packed));
      } catch (error) {
        return null;
      } finally {
        sealed = null;
      }
    },
  };
}

/** Whether this browser brings the page back without the server: see worker.js. */
export const comesBack = () => Boolean(isSecureContext && navigator.serviceWorker && crypto.subtle) && !insideSeb();

/** A new key for one tab. */
export const makeKey = () => Array.from(crypto.getRandomValues(new Uint8Array(32)));

/** What the server has of the answers: an unsent one must come from the outbox, or it would not be sent. */
function acknowledged({ answers, pending }) {
  const own = {};
  Object.keys(answers).filter((slot) => pending[slot] === undefined).forEach((slot) => {
    own[slot] = answers[slot];
  });
  return own;
}

/** @param {{outbox: any, attempt: string, key: number[]|null}} options without a key nothing is kept */
function createKept({ outbox, attempt, key }) {
  const usable = key && comesBack() && crypto.subtle.importKey("raw", Uint8Array.from(key), "AES-GCM", false, ["encrypt", "decrypt"]);
  const terms = (what, iv) => ({ name: "AES-GCM", iv, additionalData: utf8(`${attempt}/${what}`) });
  let written = Promise.resolve();
  let last = "";

  async function put(what, text) {
    const iv = crypto.getRandomValues(new Uint8Array(12));
    const sealed = await crypto.subtle.encrypt(terms(what, iv), await usable, utf8(text));
    await outbox.keep("kept", what, { what, iv, sealed }, what === FORM);
  }

  /** One after the other, so that an older state never comes last. */
  function later(what, text) {
    written = written.then(() => put(what, text)).catch(() => null);
    return written;
  }

  async function read(rows, what) {
    const { iv, sealed } = rows.find((row) => row.what === what);
    return JSON.parse(new TextDecoder().decode(await crypto.subtle.decrypt(terms(what, iv), await usable, sealed)));
  }

  return {
    keepForm: (form) => usable && later(FORM, JSON.stringify(form)),
    keepAnswers(state) {
      const text = usable ? JSON.stringify(acknowledged(state)) : last;
      if (text === last) return;
      last = text;
      later(ANSWERS, text);
    },
    /** @returns {Promise<{form: any, responses: any}|null>} null when there is nothing, or nothing that this tab can read */
    async open() {
      try {
        const rows = await outbox.kept("kept");
        return { form: await read(rows, FORM), responses: await read(rows, ANSWERS) };
      } catch (error) {
        return null;
      }
    },
  };
}

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
  const outbox = await openOutbox({ attempt, onFallback });
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
