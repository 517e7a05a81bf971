/* The assessor's score sheet on a tablet: every change is kept on the device until the server has acknowledged it. What was
   sent is sent again unchanged until it is answered, then what came after; a short cut of the network loses nothing. */
import assessKeys from "./assess-keys.js";
import assessStore from "./assess-store.js";

const KEEP_AFTER_MS = 700;
const AGAIN_AFTER_MS = 4000;

export default function assessSheet(form) {
  const note = form.querySelector("[data-save-state]");
  const store = assessStore(form);
  let sent = null;
  let isDirty = false;
  let isStopped = false;
  let busy = null;
  let timer = 0;

  function say(text, isBad) {
    note.textContent = text;
    note.classList.toggle("field-error", Boolean(isBad));
  }

  function wait(milliseconds) {
    clearTimeout(timer);
    timer = setTimeout(keep, milliseconds);
  }

  async function send() {
    if (!sent) isDirty = false;
    sent = sent || new FormData(form);
    store.remember(true);
    say(form.dataset.saving);
    const response = await fetch(form.dataset.draft, { method: "POST", body: sent });
    if (response.status >= 500) throw new TypeError("the server does not answer");
    const answer = await response.json();
    sent = null;
    isStopped = answer.state === "closed";
    if (answer.state === "saved") form.revision.value = answer.revision;
    if (isDirty) store.remember(false);
    else if (answer.state === "saved") store.forget();
    say(answer.text, answer.state !== "saved");
  }

  async function keep() {
    if (busy || isStopped || !(isDirty || sent)) return;
    busy = send();
    try {
      await busy;
      if (isDirty) wait(KEEP_AFTER_MS);
    } catch (error) {
      say(form.dataset.unsaved, true);
      wait(AGAIN_AFTER_MS);
    }
    busy = null;
  }

  function changed() {
    isDirty = true;
    store.remember(Boolean(sent));
    wait(KEEP_AFTER_MS);
  }

  async function handIn(event) {
    clearTimeout(timer);
    if (!busy && !sent) return;
    event.preventDefault();
    if (busy) await busy.catch(() => {});
    else await keep();
    if (!sent && !isStopped) form.requestSubmit();
  }

  assessKeys(form);
  form.addEventListener("input", changed);
  form.addEventListener("submit", handIn);
  window.addEventListener("online", keep);
  if (store.restore()) {
    form.dispatchEvent(new Event("input"));
    say(form.dataset.restored);
  }
}
