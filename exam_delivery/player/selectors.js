/** Pure facts about responses, and what views ask of the state. */

/** @param {import("./types.js").Response|undefined} response */
export function isAnswered(response) {
  if (!Array.isArray(response)) return false;
  return response.some((part) => (Array.isArray(part) ? part.length > 0 : String(part).trim() !== ""));
}

/** @returns {boolean} whether two responses are the same */
export function sameResponse(a, b) {
  return JSON.stringify(a || []) === JSON.stringify(b || []);
}

/**
 * Put the server's durable answers and this computer's unsent ones together: the greater `seq` wins, slot by slot.
 * @param {Record<string, import("./types.js").Answer>} server
 * @param {import("./types.js").ResponseEvent[]} local
 */
export function mergeResponses(server, local) {
  const answers = {};
  const pending = {};
  const stale = [];
  Object.keys(server).forEach((slot) => {
    answers[slot] = { seq: server[slot].seq, response: server[slot].response };
  });
  local.forEach((event) => {
    if (answers[event.slot] && answers[event.slot].seq >= event.seq) {
      stale.push(event);
      return;
    }
    answers[event.slot] = { seq: event.seq, response: event.response };
    pending[event.slot] = event.seq;
  });
  const seqs = Object.keys(answers).map((slot) => answers[slot].seq);
  return { answers, pending, stale, seq: Math.max(0, ...seqs) };
}

/** Write full-width digits and signs as the half-width ones that numbers are read from. */
export function normaliseNumber(text) {
  const half = text.replace(/[！-～]/g, (c) => String.fromCharCode(c.charCodeAt(0) - 0xfee0));
  return half.replace(/[。．]/g, ".").replace(/[－−—]/g, "-").replace(/\s+/g, "");
}

/** @returns {boolean} whether the text reads as a number (a fraction or a power of ten included) */
export function looksNumeric(text) {
  return /^[+-]?(\d+([.,]\d+)*|\.\d+)(e[+-]?\d+)?(\/\d+)?%?$/i.test(text);
}

/** @returns {boolean} whether the slot holds an answer */
export const answeredAt = (state, slot) => Boolean(state.answers[slot]) && isAnswered(state.answers[slot].response);

/** @returns the current response of a slot, an empty list when there is none */
export const responseAt = (state, slot) => (state.answers[slot] ? state.answers[slot].response : []);

/** Counts for the progress line and the hand-in list. */
export function counts(state, slots = state.form.slots.map((slot) => slot.slot)) {
  const n = slots.length;
  const answered = slots.filter((slot) => answeredAt(state, slot)).length;
  return { n, answered, open: n - answered, marked: slots.filter((slot) => state.marks[slot]).length };
}

/** Sections with the slots that are still open or marked. */
export function unfinished(state) {
  return state.form.sections.map((section) => ({
    title: section.title,
    ...counts(state, section.slots),
    openSlots: section.slots.filter((slot) => !answeredAt(state, slot)),
    markedSlots: section.slots.filter((slot) => state.marks[slot]),
  }));
}

/**
 * How safe the answer of a slot is.
 * @returns {"none"|"saved"|"saving"|"local"|"page"|"refused"} `page`: neither server nor disk has it
 */
export function safety(state, slot) {
  if (state.refused[slot] !== undefined) return "refused";
  if (state.pending[slot] !== undefined) {
    if (state.link === "online" || state.link === "slow") return "saving";
    return state.durable ? "local" : "page";
  }
  return state.answers[slot] ? "saved" : "none";
}

/** @returns {any} the candidate, as the form or the sign-in names them */
export const personOf = ({ form, signIn }) => (form && form.candidate) || (signIn && signIn.candidate) || {};

/** @returns {any} the session that was signed in to */
export const sessionOf = ({ signIn }) => (signIn && signIn.session) || {};

/** @returns {boolean} whether the candidate may change answers now */
export const mayAnswer = (state) => state.lock === null && !state.hold && !state.receipt;

/** Slots in the order of the sections. */
const ordered = (form) => form.sections.reduce((all, section) => all.concat(section.slots), []);

/** The slot before or after the current one, or null at the ends. */
export function neighbour({ form, current }, step) {
  const slots = ordered(form);
  return slots[slots.indexOf(current) + step] || null;
}

/** @returns {import("./types.js").Slot} the description of a slot */
export const slotOf = (state, number) => state.form.slots.find((slot) => slot.slot === number);

/** Position of a slot in the whole form, from 1. */
export const positionOf = (form, number) => ordered(form).indexOf(number) + 1;
