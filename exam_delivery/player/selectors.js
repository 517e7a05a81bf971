/** What views ask of the state. */
import { isAnswered } from "./responses.js";

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

/** @returns {boolean} whether the candidate may change answers now */
export const mayAnswer = (state) => state.lock === null && !state.hold && !state.receipt;

/** The slot before or after the current one, or null at the ends. */
export function neighbour(state, step) {
  const slots = state.form.sections.reduce((all, section) => all.concat(section.slots), []);
  const index = slots.indexOf(state.current) + step;
  return index >= 0 && index < slots.length ? slots[index] : null;
}

/** @returns {import("./types.js").Slot} the description of a slot */
export const slotOf = (state, number) => state.form.slots.find((slot) => slot.slot === number);

/** Position of a slot in the whole form, from 1, in the order of the sections. */
export function positionOf(form, number) {
  const slots = form.sections.reduce((all, section) => all.concat(section.slots), []);
  return slots.indexOf(number) + 1;
}
