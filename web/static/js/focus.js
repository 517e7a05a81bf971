/* Keyboard focus inside panels. */
const FOCUSABLE = 'a[href], button:not([disabled]), input:not([disabled]):not([type="hidden"]), select, textarea, [tabindex="0"]';

export function keepTabInside(event, panel) {
  if (event.key !== "Tab") return;
  const stops = Array.from(panel.querySelectorAll(FOCUSABLE)).filter((stop) => stop.offsetParent !== null);
  if (stops.length === 0) return;
  const edge = event.shiftKey ? stops[0] : stops[stops.length - 1];
  if (document.activeElement === edge || document.activeElement === panel) {
    event.preventDefault();
    (event.shiftKey ? stops[stops.length - 1] : stops[0]).focus();
  }
}
