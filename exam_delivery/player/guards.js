/** Deterrents that leave keyboard, screen reader and zoom alone: items are not copied, answers not brought from outside. */
import { say } from "./announce.js";
import { t } from "./i18n.js";
import { ownClipboard } from "./seb.js";

const ANSWER = "textarea, input";

const inAnswer = (target) => Boolean(target && target.closest && target.closest(ANSWER));

/** Safe Exam Browser cuts and pastes by itself, out of a clipboard that holds nothing from outside, and tells the answer nothing. */
function doneBySeb({ type, target }) {
  if (!ownClipboard() || !inAnswer(target) || (type !== "cut" && type !== "paste")) return false;
  const { value, maxLength } = target;
  if (maxLength > 0 && value.length > maxLength) target.value = value.slice(0, maxLength);
  target.dispatchEvent(new Event("input", { bubbles: true }));
  return true;
}

/**
 * Start guarding; what the candidate copies inside an own answer may be pasted again.
 * @param {{block_copy?: boolean, allow_paste?: boolean}} conduct
 * @returns {() => void} stops
 */
export function guard({ block_copy: blockCopy, allow_paste: allowPaste }) {
  let own = null;

  function onCopy(event) {
    if (doneBySeb(event)) return;
    if (inAnswer(event.target)) {
      own = event.target.value.slice(event.target.selectionStart, event.target.selectionEnd);
      return;
    }
    if (!blockCopy) return;
    event.preventDefault();
    say(t("考试中不能复制试题。"));
  }

  function onPaste(event) {
    if (doneBySeb(event)) return;
    const text = event.clipboardData ? event.clipboardData.getData("text") : "";
    if (allowPaste !== false || !inAnswer(event.target) || (own !== null && text.trim() === own.trim())) return;
    event.preventDefault();
    say(t("只能粘贴您自己在作答框里复制的文字。"));
  }

  const refuse = (event) => blockCopy && !inAnswer(event.target) && event.preventDefault();
  const listeners = { copy: onCopy, cut: onCopy, paste: onPaste, drop: onPaste, contextmenu: refuse, dragstart: refuse };
  Object.keys(listeners).forEach((name) => document.addEventListener(name, listeners[name]));
  document.documentElement.dataset.noPrint = blockCopy ? "yes" : "no";
  return () => {
    Object.keys(listeners).forEach((name) => document.removeEventListener(name, listeners[name]));
    delete document.documentElement.dataset.noPrint;
  };
}

/**
 * Keep a candidate who is cut off from reloading: it helps nobody, and not every browser brings the page back.
 * @param {{cut: () => boolean, explain: () => void}} options
 * @returns {() => void} stops
 */
export function guardReload({ cut, explain }) {
  function onKey(event) {
    const reloads = event.key === "F5" || ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "r");
    if (!reloads || !cut()) return;
    event.preventDefault();
    explain();
  }
  document.addEventListener("keydown", onKey);
  return () => document.removeEventListener("keydown", onKey);
}
