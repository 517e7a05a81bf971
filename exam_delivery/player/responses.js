/** Pure facts about responses: what counts as answered, which of two versions is newer. */

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
