/* A <details> that asks once more: focus goes in (to what was refused, where something was) and comes back, Tab stays inside, Esc and 取消 close. */
import { keepTabInside } from "./focus.js";

export default function confirm(details) {
  const panel = details.querySelector(".confirm-panel");
  const summary = details.querySelector("summary");
  const cancel = panel.querySelector("[data-confirm-cancel]");

  function close() {
    details.open = false;
    summary.focus();
  }

  cancel.hidden = false;
  cancel.addEventListener("click", close);
  details.addEventListener("toggle", () => {
    if (details.open) (panel.querySelector('[aria-invalid="true"]') || panel).focus();
  });
  panel.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      event.stopPropagation(); // the drawer in which it may stand stays open
      close();
    } else keepTabInside(event, panel);
  });
}
