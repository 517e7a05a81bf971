/* A message after an act can be put away. */
import { iconElement } from "./toast.js";

export default function notice(element) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "icon-button icon-button-sm";
  button.setAttribute("aria-label", element.dataset.close);
  button.append(iconElement("close"));
  button.addEventListener("click", () => element.remove());
  element.append(button);
}
