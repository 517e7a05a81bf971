/* The right drawer: a link with data-drawer puts its fragment here, or is followed when that fails. Forms inside [data-drawer-forms]
   are sent from here: what is refused comes back into the drawer with what was typed, what was done leads to the page it names. */
import { focusOpener, rememberOpener, sendAsPage } from "./drawer-ways.js";
import { keepTabInside } from "./focus.js";
import { showToast } from "./toast.js";

export default function drawer(panel) {
  const headers = { "HX-Request": "true", "HX-Target": panel.id };
  const isPage = (html) => /^\s*<!doctype/i.test(html);
  let opener = null;

  function leave(address) {
    if (opener) rememberOpener(opener);
    window.location.assign(address);
  }

  function close() {
    panel.hidden = true;
    panel.textContent = "";
    if (opener) opener.focus();
  }

  function show(html) {
    panel.innerHTML = html;
    panel.hidden = false;
    panel.dispatchEvent(new CustomEvent("kaoku:inserted", { bubbles: true }));
    (panel.querySelector('[aria-invalid="true"]') || panel).focus();
    panel.scrollTop = 0;
  }

  async function open(link) {
    const response = await fetch(link.href, { headers });
    const html = await response.text();
    if (!response.ok || isPage(html)) {
      window.location.assign(link.href);
      return;
    }
    opener = link;
    show(html);
  }

  async function send(form, button) {
    const body = new URLSearchParams(new FormData(form));
    if (button && button.name) body.append(button.name, button.value);
    const response = await fetch(form.action, { method: "POST", headers, body });
    const next = response.headers.get("HX-Redirect");
    const html = await response.text();
    const { signedOut } = form.closest("[data-drawer-forms]").dataset;
    if (next) leave(next);
    else if (response.status === 401 && signedOut) showToast(signedOut, "danger"); // what was typed stays
    else if (isPage(html)) sendAsPage(form, button); // signed out, no longer allowed, or asked again: the browser shows why
    else show(html);
  }

  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-drawer]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
    event.preventDefault();
    open(link).catch(() => window.location.assign(link.href));
  });
  panel.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.closest("[data-drawer-forms]")) return;
    event.preventDefault();
    if (form.dataset.sending) return;
    form.dataset.sending = "1";
    send(form, event.submitter)
      .catch(() => showToast(document.getElementById("toasts").dataset.failed, "danger"))
      .finally(() => { delete form.dataset.sending; });
  });
  panel.addEventListener("click", (event) => {
    if (event.target.closest("[data-drawer-close]")) close();
  });
  panel.addEventListener("keydown", (event) => {
    if (event.key === "Escape") close();
    else keepTabInside(event, panel);
  });
  focusOpener();
}
