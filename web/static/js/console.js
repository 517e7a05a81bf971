/* Keeps the invigilator's room fresh: asks every three seconds what changed, writes it into the rows, lets the room's clock go on
   by the server's time. Without this script the page is refreshed by hand. Syntax stays within Chromium 86. */
import { sortRows, startClock, writeCounters, writeSeat } from "./console-rows.js";

const EVERY_MS = 3000;
const GIVE_UP_MS = 8000;

export function connectRoom(room) {
  const lost = room.querySelector("[data-console-lost]");
  const setClock = startClock(room, document.querySelector("[data-room-clock]"));
  let { shown } = room.dataset;
  let unsorted = false;

  async function ask() {
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(), GIVE_UP_MS);
    try {
      const headers = { Accept: "application/json", "X-Kaoku-Shown": shown };
      const response = await fetch(room.dataset.stateUrl, { headers, signal: abort.signal });
      if (!response.ok || response.redirected) throw new Error(String(response.status));
      take(await response.json());
      lost.hidden = true;
    } catch (error) {
      lost.textContent = room.dataset.lost;
      lost.hidden = false;
    } finally {
      clearTimeout(timer);
      setTimeout(ask, EVERY_MS);
    }
  }

  function take(answer) {
    ({ shown } = answer);
    setClock(answer.now);
    writeCounters(room, answer.counters);
    const moved = answer.seats.map((seat) => writeSeat(room, seat)).some(Boolean);
    unsorted = (unsorted || moved) && !sortRows(room);
  }

  setTimeout(ask, EVERY_MS);
}

/** A field that only one act needs takes no room beside the others. */
export function showOnlyWhatTheActNeeds(choice) {
  const fields = choice.form.querySelectorAll("[data-only-for]");
  const refresh = () => fields.forEach((field) => { field.hidden = field.dataset.onlyFor !== choice.value; });
  choice.addEventListener("change", refresh);
  window.addEventListener("pageshow", refresh);
  refresh();
}

document.querySelectorAll("[data-console]").forEach(connectRoom);
document.querySelectorAll("#many-act").forEach(showOnlyWhatTheActNeeds);
