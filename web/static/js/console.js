/* Keeps the invigilator's room fresh: asks every three seconds what changed, writes it into the rows, lets the room's clock go on
   by the server's time. Without this script the page is refreshed by hand. Syntax stays within Chromium 86. */
import { watchContact } from "./console-contact.js";
import { sortRows, startClock, watchUse, writeCounters, writeSeat } from "./console-rows.js";
import { connectSearch } from "./console-search.js";
import { makeSignals } from "./console-signals.js";

const EVERY_MS = 3000;
const GIVE_UP_MS = 8000;

export function connectRoom(room) {
  const face = document.querySelector("[data-room-clock]");
  const setClock = startClock(room, face);
  const contact = watchContact(room, face);
  const signals = makeSignals(room);
  const filter = connectSearch(room);
  watchUse(room);
  let { shown } = room.dataset;
  let unsorted = false;

  async function ask() {
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(), GIVE_UP_MS);
    try {
      const headers = { Accept: "application/json", "X-Kaoku-Shown": shown };
      const response = await fetch(room.dataset.stateUrl, { headers, signal: abort.signal });
      if (isSignIn(response)) contact.lose("signedOut");
      else if (!response.ok || response.redirected) contact.lose("lost");
      else {
        take(await response.json());
        contact.regain();
      }
    } catch (error) {
      contact.lose("lost");
    } finally {
      clearTimeout(timer);
      setTimeout(ask, EVERY_MS);
    }
  }

  const isSignIn = (response) => response.redirected && new URL(response.url).pathname === room.dataset.signIn;

  function take(answer) {
    ({ shown } = answer);
    setClock(answer.now);
    writeCounters(room, answer.counters);
    signals.count(answer.counters.n_issues);
    const fresh = signals.newcomers(answer.seats);
    const moved = answer.seats.map((seat) => writeSeat(room, seat)).some(Boolean);
    unsorted = (unsorted || moved) && !sortRows(room);
    if (moved) filter();
    signals.tell(fresh);
  }

  signals.count(Number(room.querySelector('[data-counter="n_issues"] dd').textContent));
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
