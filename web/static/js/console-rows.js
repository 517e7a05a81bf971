/* Writing what the server says into the room: its clock, rows and counters. */
const FIELDS = ["answered", "contact", "deadline", "device", "flag"];

const secondsOf = (clock) => clock.split(":").reduce((sum, part) => sum * 60 + Number(part), 0);
const two = (number) => String(number).padStart(2, "0");

/** The room's clock: the server's time of day at rendering, carried on by the monotonic clock. */
export function startClock(room, face) {
  const zoneShift = secondsOf(room.dataset.clock) - (Date.parse(room.dataset.now) / 1000) % 86400;
  let serverMs = Date.parse(room.dataset.now);
  let at = performance.now();
  function draw() {
    const seconds = (Math.floor((serverMs + performance.now() - at) / 1000 + zoneShift) % 86400 + 86400) % 86400;
    face.textContent = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60].map(two).join(":");
  }
  setInterval(draw, 500);
  return (now) => {
    serverMs = Date.parse(now);
    at = performance.now();
  };
}

export function writeSeat(room, seat) {
  const row = room.querySelector(`[data-seat="${seat.key}"]`);
  if (!row) return false;
  FIELDS.forEach((name) => {
    const cell = row.querySelector(`[data-field="${name}"]`);
    if (cell && cell.textContent !== seat[name]) cell.textContent = seat[name];
  });
  if (row.dataset.state === seat.state && row.dataset.rank === String(seat.rank)) return false;
  row.dataset.state = seat.state;
  const badge = room.querySelector(`template[data-badge="${seat.state}"]`);
  row.querySelector('[data-field="state"]').replaceChildren(badge.content.cloneNode(true));
  if (row.dataset.rank === undefined) return false;
  row.dataset.rank = seat.rank;
  return true;
}

/** Problems first; rows stay where they are while somebody has the keyboard or the pointer among them. */
export function sortRows(room) {
  const body = room.querySelector("tbody");
  if (!body || body.contains(document.activeElement) || body.matches(":hover")) return false;
  const rows = Array.from(body.children);
  rows.sort((a, b) => a.dataset.rank - b.dataset.rank || a.dataset.place.localeCompare(b.dataset.place));
  body.append(...rows);
  return true;
}

export function writeCounters(room, counters) {
  Object.keys(counters).forEach((name) => {
    const box = room.querySelector(`[data-counter="${name}"]`);
    if (!box) return;
    box.querySelector("dd").textContent = counters[name];
    box.classList.toggle("is-zero", counters[name] === 0);
  });
}
