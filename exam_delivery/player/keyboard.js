/** Shortcuts of the exam screen: off while typing, off when the candidate wants, listed on `?`. */

const TYPING = new Set(["text", "search", "tel", "number", "password", "email", "url", ""]);

/** @returns {boolean} whether keys belong to the focused element */
export function isTyping(element) {
  if (!element || !element.tagName) return false;
  if (element.tagName === "TEXTAREA" || element.tagName === "SELECT" || element.isContentEditable) return true;
  return element.tagName === "INPUT" && TYPING.has(element.getAttribute("type") || "");
}

/** The plain key meant, also while a Chinese input method is on. */
export function keyOf(event) {
  if (event.key && event.key.length === 1) return event.key === "？" ? "?" : event.key.toLowerCase();
  const match = /^(?:Key([A-Z])|Digit(\d))$/.exec(event.code || "");
  return match && event.key === "Process" ? (match[1] || match[2]).toLowerCase() : "";
}

/** Position of the option meant by a digit or a letter A–H, or -1. */
export function optionIndex(key) {
  if (/^[1-9]$/.test(key)) return Number(key) - 1;
  return /^[a-h]$/.test(key) ? key.charCodeAt(0) - 97 : -1;
}

/**
 * @param {{active: () => boolean, commands: Record<string, () => void>, choose: (index: number) => boolean}} options
 * @returns {() => void} stops listening
 */
export function listen({ active, commands, choose }) {
  function onKey(event) {
    if (event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
    if (!active() || isTyping(event.target) || document.querySelector("dialog[open]")) return;
    const key = keyOf(event);
    const index = commands[key] ? -1 : optionIndex(key);
    if (commands[key]) commands[key]();
    else if (index < 0 || !choose(index)) return;
    event.preventDefault();
  }
  document.addEventListener("keydown", onKey);
  return () => document.removeEventListener("keydown", onKey);
}
