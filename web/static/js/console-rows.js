/* Writing what the server says into the room: its clock, rows and counters. */
const QUIET_MS = 10000;
let lastUse = -QUIET_MS;

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

/** Notice when somebody last had the keyboard or the pointer among the rows. */
export function watchUse(room) {
  const note = (event) => { if (event.target.closest("tbody")) lastUse = performance.now(); };
  ["keydown", "pointermove", "pointerdown", "focusin"].forEach((name) => room.addEventListener(name, note));
}

/** Problems first; rows stay where they are while somebody works among them, and the one with the focus keeps it. */
export function sortRows(room) {
  const body = room.querySelector("tbody");
  if (!body || performance.now() - lastUse < QUIET_MS) return false;
  const active = body.contains(document.activeElement) ? document.activeElement : null;
  const rows = Array.from(body.children);
  rows.sort((a, b) => a.dataset.rank - b.dataset.rank || a.dataset.place.localeCompare(b.dataset.place, "zh", { numeric: true }));
  body.append(...rows);
  if (active) active.focus({ preventScroll: true });
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
