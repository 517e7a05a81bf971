/** Texts: the Chinese text is the name of the message, the English dictionary stands beside it. */
import { ENGLISH } from "./messages_en.js";

let language = "zh-Hans";

/** @returns {"zh-Hans"|"en"} the language shown now */
export const currentLanguage = () => language;

/** Choose the language of every text made from now on. */
export function setLanguage(value) {
  language = value === "en" ? "en" : "zh-Hans";
  document.documentElement.lang = language;
}

/**
 * Translate a Chinese message; `{n}` is replaced by `values.n`.
 * @param {string} message
 * @param {Record<string, string|number>} [values]
 */
export function t(message, values = {}) {
  const text = language === "en" ? ENGLISH[message] || message : message;
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}
