/* A form on its way is not sent twice, and what was typed is never lost: the last sent form is remembered in this tab. Where it was
   refused, or the reader goes back to it, its fields are filled in again, under the key they were sent with; whoever comes to its page
   anew finds it empty. Passwords, files and forms marked data-not-kept are not remembered;
   signing out is a form as well and takes the place of what was there. */
import { forgetDrafts } from "./draft.js";
import { fill, show, valuesOf } from "./form-values.js";

const NAME = "kaoku-sent-form";
const IN_ONE_CLICK_MS = 2000;
const KEPT_FOR_MS = 2 * 60 * 60 * 1000;
const PASSING = ["csrf_token", "once_key"];
const underway = new Map();

const idOf = (form) => form.getAttribute("id") || ""; // a field may be called "id"
const addressOf = (form, button) => (button && button.getAttribute("formaction")) || form.getAttribute("action") || "";
const actionOf = (form, button) => new URL(addressOf(form, button), location.href).pathname;

function read() {
  try {
    return JSON.parse(sessionStorage.getItem(NAME));
  } catch (error) {
    return null;
  }
}

function keep(sent) {
  try {
    if (sent) sessionStorage.setItem(NAME, JSON.stringify(sent));
    else sessionStorage.removeItem(NAME);
  } catch (error) { /* storage is full or forbidden: the browser's own memory must do */ }
}

/* Several forms may lead to one address: what they carry unseen tells them apart. */
function formOf(sent) {
  const leadsThere = (form) => [null, ...form.querySelectorAll("[formaction]")].some((button) => actionOf(form, button) === sent.action);
  const found = Array.from(document.querySelectorAll('form[method="post"]')).filter((form) => idOf(form) === sent.id && leadsThere(form));
  const isSame = (form) => Array.from(form.querySelectorAll('[type="hidden"]')).every((field) => (
    PASSING.includes(field.name) || (sent.values[field.name] || []).includes(field.value)));
  return found.length === 1 ? found[0] : found.find(isSame);
}

function settle() {
  const sent = read();
  if (!sent || Date.now() - sent.at > KEPT_FOR_MS) return keep(null);
  const isElsewhere = Boolean(document.querySelector("[data-not-done]"));
  const isRefused = sent.isRefused || isElsewhere || Boolean(document.querySelector('[data-flash="danger"]'));
  if (isElsewhere || sent.page !== location.pathname) return keep({ ...sent, isRefused });
  const [visit] = performance.getEntriesByType("navigation");
  const isBack = Boolean(visit) && visit.type === "back_forward";
  if (!isRefused && !isBack) return keep(null);
  const form = formOf(sent);
  if (form && !form.querySelector('[aria-invalid="true"]')) show(form, fill(form, sent.values));
  return keep(isBack ? sent : null);
}

function remember(event) {
  const form = event.target;
  if (event.defaultPrevented || (form.getAttribute("method") || "").toLowerCase() !== "post") return;
  if (underway.has(form) && underway.get(form) === event.submitter) {
    event.preventDefault();
    return;
  }
  underway.set(form, event.submitter);
  setTimeout(() => underway.delete(form), IN_ONE_CLICK_MS);
  if (form.hasAttribute("data-sign-out")) forgetDrafts();
  if (form.hasAttribute("data-not-kept")) keep(null);
  else keep({ page: location.pathname, id: idOf(form), action: actionOf(form, event.submitter), values: valuesOf(form), at: Date.now() });
}

export function watchSentForms() {
  settle();
  document.addEventListener("submit", remember);
  window.addEventListener("pageshow", () => underway.clear());
}
