/* Keeps each judgement of a rater as soon as it is filled in; arrows step, Enter goes on; what fails is tried again. */
import panelKeys from "./panel-keys.js";

const RETRY_MS = 4000;

export default function panelRating(form) {
  const find = (name, subject) => form.querySelector(`[data-${name}="${CSS.escape(subject)}"]`);
  const waiting = new Map();
  let isBusy = false;
  let timer = 0;
  const controls = () => Array.from(form.querySelectorAll("[data-subject], [data-options] input:not([disabled])"));

  function say(subject, text, kind) {
    const state = find("state", subject);
    state.textContent = text;
    state.classList.toggle("is-failed", kind === "failed");
  }

  function showProgress(answer) {
    const part = (name) => form.querySelector(`[data-${name}]`);
    const done = answer.needed - answer.missing.length;
    part("done").textContent = done;
    part("needed").textContent = answer.needed;
    Object.assign(part("progress"), { max: answer.needed || 1, value: done });
    part("missing").replaceChildren(...answer.missing.slice(0, 12).flatMap((subject) => {
      const link = document.createElement("a");
      link.href = `#${subject}`;
      link.textContent = (find("subject", subject) || find("options", subject)).dataset.label;
      return [link, " "];
    }));
  }

  async function send(subject, value) {
    const body = new FormData();
    const token = form.querySelector("[name=csrf_token]");
    const fields = { subject, value, revision: find("revision", subject).value, csrf_token: token ? token.value : "" };
    Object.entries(fields).forEach(([name, text]) => body.set(name, text));
    const response = await fetch(form.action, { method: "POST", body, headers: { Accept: "application/json" } });
    return { ok: response.ok, status: response.status, answer: await response.json() };
  }

  function settle(subject, { ok, status, answer }) {
    if (!ok && status >= 500) throw new TypeError("the server does not answer");
    if (typeof answer.revision === "number") find("revision", subject).value = answer.revision;
    say(subject, answer.text, ok ? "saved" : "failed");
    if (ok) showProgress(answer);
  }

  /* One at a time and in order, so that revisions follow each other. */
  async function work() {
    if (isBusy) return;
    isBusy = true;
    clearTimeout(timer);
    while (waiting.size) {
      const [subject, value] = waiting.entries().next().value;
      try {
        settle(subject, await send(subject, value));
        if (waiting.get(subject) === value) waiting.delete(subject);
      } catch (error) {
        say(subject, form.dataset.failed, "failed");
        timer = setTimeout(work, RETRY_MS);
        break;
      }
    }
    isBusy = false;
  }

  function keep(subject, value) {
    if (value === "") return;
    waiting.set(subject, value);
    say(subject, form.dataset.saving, "saving");
    work();
  }

  panelKeys(form, controls, keep);
  window.addEventListener("online", work);
  window.addEventListener("beforeunload", (event) => { if (waiting.size) event.preventDefault(); });
}
