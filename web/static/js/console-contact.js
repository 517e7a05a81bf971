/* What an open console says while it cannot reach the server, or while nobody is signed in any more: since when, and that acts wait.
   Forms that would leave the page are held back then, so that nothing is lost by being sent into the void. Syntax stays within Chromium 86. */
import { showToast } from "./toast.js";

export function watchContact(room, face) {
  const banner = room.querySelector("[data-console-lost]");
  const text = banner.querySelector("[data-console-lost-text]");
  const link = banner.querySelector("[data-console-sign-in]");
  let since = room.dataset.clock;
  let isLost = false;

  function lose(why) {
    isLost = true;
    const says = room.dataset[why].replace("{since}", since);
    if (text.textContent !== says) text.textContent = says;
    link.hidden = why !== "signedOut";
    banner.hidden = false;
    room.classList.add("is-stale");
  }

  function regain() {
    since = face.textContent;
    if (!isLost) return;
    isLost = false;
    banner.hidden = true;
    text.textContent = "";
    room.classList.remove("is-stale");
    showToast(room.dataset.back, "success");
  }

  function hold(event) {
    if (!isLost || event.target.method === "get" || event.target.closest("[data-drawer-forms]")) return; // the drawer keeps its own
    event.preventDefault();
    event.stopImmediatePropagation();
    showToast(room.dataset.held, "danger");
  }

  window.addEventListener("submit", hold, true);
  window.addEventListener("offline", () => lose("lost"));
  return { lose, regain };
}
