/* Short messages at the lower right; errors stay until put away. */
const ICONS = { success: "check-circle", info: "info", warning: "warning", danger: "stop" };

export function iconElement(name) {
  const namespace = "http://www.w3.org/2000/svg";
  const icon = document.createElementNS(namespace, "svg");
  icon.setAttribute("class", "icon");
  icon.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(namespace, "use");
  use.setAttribute("href", `${new URL("../icons.svg", import.meta.url).pathname}#${name}`);
  icon.append(use);
  return icon;
}

export function showToast(text, kind = "info") {
  const list = document.getElementById("toasts");
  if (!list || !text) return;
  const toast = document.createElement("div");
  toast.className = `notice notice-${kind}`;
  const body = document.createElement("div");
  body.className = "notice-text";
  body.textContent = text;
  toast.append(iconElement(ICONS[kind]), body);
  toast.dataset.controller = "notice";
  toast.dataset.close = list.dataset.close;
  list.append(toast);
  toast.dispatchEvent(new CustomEvent("kaoku:inserted", { bubbles: true }));
  if (kind !== "danger") setTimeout(() => toast.remove(), 6000);
}

export default function toast() {
  document.addEventListener("kaoku:toast", (event) => showToast(event.detail.text, event.detail.kind));
}
