/* Copies a text; pages on a plain-HTTP exam network have no clipboard interface, so a selection does it there. */
import { showToast } from "./toast.js";

function copyBySelection(text) {
  const area = document.createElement("textarea");
  area.className = "visually-hidden";
  area.value = text;
  document.body.append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
}

export default function copy(element) {
  const button = element.querySelector("button");
  button.hidden = false;
  button.addEventListener("click", async () => {
    if (navigator.clipboard) await navigator.clipboard.writeText(element.dataset.copy);
    else copyBySelection(element.dataset.copy);
    button.focus();
    showToast(element.dataset.copied, "success");
  });
}
