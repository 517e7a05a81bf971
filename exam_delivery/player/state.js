/** The one store's pure reducer: state in, action in, new state out; no DOM, no clock, no network. */
import { mergeResponses } from "./selectors.js";

/** @type {import("./types.js").Preferences} */
export const DEFAULT_PREFERENCES = {
  size: "medium", contrast: false, layout: "one", panel: true, tool: "", timer: true, shortcuts: true, language: "zh-Hans",
};

export const INITIAL = Object.freeze({
  phase: "loading", message: "", signIn: null, form: null,
  answers: {}, pending: {}, refused: {}, marks: {}, current: 0, seq: 0,
  link: "online", offlineSince: null, durable: true, auth: "ok", lock: null, hold: null, status: "waiting",
  deadlineAt: null, earliestSubmitAt: null, extension: null, timeNote: null, busy: false, handInError: "", receipt: null, unsent: 0, launch: "", outside: false, kept: [],
  preferences: DEFAULT_PREFERENCES,
});

const without = (map, slot) => {
  const { [slot]: _, ...rest } = map;
  return rest;
};

/** Take in one acknowledgement: pending goes only when exactly this or a newer sequence number is durable. */
function acknowledge(state, acknowledged) {
  const pending = { ...state.pending };
  Object.keys(acknowledged).forEach((slot) => {
    if (pending[slot] !== undefined && pending[slot] <= acknowledged[slot]) delete pending[slot];
  });
  return { ...state, pending };
}

/** Adopt what the server holds and this page does not know (another device), never over an unsent change. */
function adopt(state, responses) {
  const answers = { ...state.answers };
  let { seq } = state;
  Object.keys(responses).forEach((slot) => {
    const known = answers[slot] ? answers[slot].seq : 0;
    if (responses[slot].seq > known) answers[slot] = responses[slot];
    seq = Math.max(seq, responses[slot].seq);
  });
  return { ...state, answers, seq };
}

function openForm(state, { form, responses, local, marks }) {
  const { answers, pending, seq } = mergeResponses(responses, local);
  const flagged = {};
  marks.forEach((slot) => {
    flagged[slot] = true;
  });
  const own = state.preferences;
  const display = form.display || {};
  const layout = own.layoutChosen ? own.layout : display.per_page || "one";
  const size = own.sizeChosen ? own.size : display.size || own.size;
  const known = form.slots.some((slot) => slot.slot === state.current);
  return {
    ...state, form, answers, pending, seq, marks: flagged, refused: {},
    current: known ? state.current : form.sections[0].slots[0],
    preferences: { ...own, layout, size },
  };
}

/** @returns {boolean} whether no answer reaches the server at the moment */
export const isCut = ({ link: now }) => now === "offline" || now === "busy";

/** A pause or a lock comes with every contact; the same one again is no news. */
function held(state, hold) {
  return hold === undefined || JSON.stringify(hold) === JSON.stringify(state.hold) ? state.hold : hold;
}

function retime(state, { deadline_at: deadlineAt, status, earliest_submit_at: earliest, hold }) {
  const next = { ...state, status: status || state.status, earliestSubmitAt: earliest || state.earliestSubmitAt, hold: held(state, hold) };
  const unchanged = next.status === state.status && next.earliestSubmitAt === state.earliestSubmitAt && next.hold === state.hold;
  if (!deadlineAt || deadlineAt === state.deadlineAt) return unchanged ? state : next;
  const minutes = state.deadlineAt ? Math.round((Date.parse(deadlineAt) - Date.parse(state.deadlineAt)) / 60000) : 0;
  return { ...next, deadlineAt, extension: minutes > 0 ? { minutes, deadlineAt } : state.extension };
}

function link(state, { link: now, at }) {
  const since = !isCut({ link: now }) ? null : state.offlineSince === null ? at : state.offlineSince;
  if (state.link === now && state.offlineSince === since) return state;
  return { ...state, link: now, offlineSince: since };
}

function answered(state, { slot, response }) {
  // a newer sign-in numbers above all older ones
  const first = (state.signIn && state.signIn.first_seq) || 0;
  const seq = Math.max(state.seq, first) + 1;
  return {
    ...state, seq, refused: without(state.refused, slot),
    answers: { ...state.answers, [slot]: { seq, response } },
    pending: { ...state.pending, [slot]: seq },
  };
}

const preference = (state, { name, value }) => {
  const chosen = ["layout", "size"].includes(name) ? { [`${name}Chosen`]: true } : {};
  return { ...state, preferences: { ...state.preferences, ...chosen, [name]: value } };
};

const HANDLERS = {
  set: (state, { values }) => ({ ...state, ...values }),
  form_opened: openForm,
  answered,
  acknowledged: (state, action) => acknowledge(state, action.acknowledged),
  responses: (state, action) => adopt(state, action.responses),
  refused: (state, { slot, seq }) => ({ ...state, refused: { ...state.refused, [slot]: seq } }),
  timing: (state, action) => retime(state.outside ? { ...state, outside: false } : state, action),
  link,
  lock: (state, { lock }) => (state.lock === "closed" ? state : { ...state, lock }),
  go: (state, { slot }) => ({ ...state, current: slot }),
  mark: (state, { slot, on }) => ({ ...state, marks: on ? { ...state.marks, [slot]: true } : without(state.marks, slot) }),
  preference,
  reset: (state) => ({ ...INITIAL, phase: "sign_in", preferences: { ...DEFAULT_PREFERENCES, language: state.preferences.language } }),
};

/** @returns the state after the action; the same object when nothing changed */
export function reduce(state, action) {
  const handler = HANDLERS[action.type];
  if (!handler) throw new Error(`unknown action ${action.type}`);
  return handler(state, action);
}

/** A store: `get`, `dispatch`, `set` for values that mean nothing to others, `subscribe`. */
export function createStore(initial = INITIAL) {
  let state = initial;
  const listeners = new Set();
  function dispatch(action) {
    const before = state;
    state = reduce(state, action);
    if (state !== before) listeners.forEach((listener) => listener(state, before));
  }
  return {
    get: () => state,
    dispatch,
    set: (values) => dispatch({ type: "set", values }),
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
