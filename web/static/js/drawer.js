/* The right drawer: a link with data-drawer puts its fragment here, or is followed when that fails. */
import { keepTabInside } from "./focus.js";

export default function drawer(panel) {
  let opener = null;

  function close() {
    panel.hidden = true;
    panel.textContent = "";
    if (opener) opener.focus();
  }

  async function open(link) {
    const response = await fetch(link.href, { headers: { "HX-Request": "true", "HX-Target": panel.id } });
    const html = await response.text();
    if (!response.ok || /^\s*<!doctype/i.test(html)) {
      window.location.assign(link.href);
      return;
    }
    opener = link;
    panel.innerHTML = html;
    panel.hidden = false;
    panel.dispatchEvent(new CustomEvent("kaoku:inserted", { bubbles: true }));
    panel.focus();
  }

  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-drawer]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
    event.preventDefault();
    open(link).catch(() => window.location.assign(link.href));
  });
  panel.addEventListener("click", (event) => {
    if (event.target.closest("[data-drawer-close]")) close();
  });
  panel.addEventListener("keydown", (event) => {
    if (event.key === "Escape") close();
    else keepTabInside(event, panel);
  });
}
