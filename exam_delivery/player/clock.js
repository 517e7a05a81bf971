/**
 * The server's clock, carried on the monotonic clock of the browser. The PC's wall clock is never asked, but for a guess from which a
 * reload goes on until the server is heard again.
 */

/** Beyond its own uncertainty a sample may differ by this much before the old one is thrown away. */
const TOLERANCE_MS = 500;

/**
 * Read an ISO 8601 instant; fractions beyond milliseconds are cut, because old engines refuse them.
 * @param {string|null|undefined} text
 * @returns {number|null} milliseconds since 1970, or null
 */
export function parseInstant(text) {
  if (!text) return null;
  const value = Date.parse(text.replace(/(\.\d{3})\d+/, "$1"));
  return Number.isNaN(value) ? null : value;
}

/**
 * Keep the offset of the sample with the shortest round trip.
 * A later sample that contradicts it (the computer slept) replaces it whatever its round trip.
 * @param {() => number} [monotonic]
 */
export function createClock(monotonic = () => performance.now()) {
  /** @type {{offset: number, roundTrip: number}|null} */
  let best = null;

  function contradicts(offset, roundTrip) {
    return Math.abs(offset - best.offset) > (roundTrip + best.roundTrip) / 2 + TOLERANCE_MS;
  }

  return {
    monotonic,
    /** How far the server is ahead of the PC's wall clock; null when the server was not heard. */
    lead: () => (best ? monotonic() + best.offset - Date.now() : null),
    /** Go on from what the page knew before it was reloaded; whatever the server says replaces it. */
    guess(lead) {
      if (!best && typeof lead === "number") best = { offset: Date.now() + lead - monotonic(), roundTrip: Infinity };
    },
    /** @returns {boolean} whether the server itself was heard */
    heard: () => Boolean(best) && best.roundTrip < Infinity,
    /** Take in one answer of the server. */
    sample(serverTime, sentAt, receivedAt) {
      const server = parseInstant(serverTime);
      if (server === null) return;
      const roundTrip = Math.max(0, receivedAt - sentAt);
      const offset = server + roundTrip / 2 - receivedAt;
      if (!best || roundTrip <= best.roundTrip || contradicts(offset, roundTrip)) best = { offset, roundTrip };
    },
    /** @returns {number|null} the server's time now, null before the first sample */
    now() {
      return best ? monotonic() + best.offset : null;
    },
    /** @returns {number|null} milliseconds until an instant of the server's clock; negative when it has passed */
    until(instant) {
      const target = parseInstant(instant);
      return best && target !== null ? target - monotonic() - best.offset : null;
    },
  };
}

/** Write a span as `1:05:09` or `05:09`. */
export function formatSpan(milliseconds) {
  const total = Math.max(0, Math.ceil(milliseconds / 1000));
  const two = (n) => String(n).padStart(2, "0");
  const hours = Math.floor(total / 3600);
  const rest = `${two(Math.floor(total / 60) % 60)}:${two(total % 60)}`;
  return hours ? `${hours}:${rest}` : rest;
}

/** @type {string|undefined} */
let zone;

/** Name the time zone of the place: instants are written in it, whatever zone this computer is set to. */
export function placeIn(name) {
  zone = name;
}

/** Write an instant of the server as `14:30` or, with `full`, `2026-11-21 14:30:05`, in the zone of the place. */
export function formatInstant(instant, full = false) {
  const value = parseInstant(instant);
  if (value === null) return "";
  const digits = { month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit" };
  const part = {};
  new Intl.DateTimeFormat("en-GB", { ...digits, year: "numeric", hourCycle: "h23", timeZone: zone }).formatToParts(value).forEach(({ type, value: text }) => {
    part[type] = text;
  });
  const time = `${part.hour}:${part.minute}`;
  return full ? `${part.year}-${part.month}-${part.day} ${time}:${part.second}` : time;
}
