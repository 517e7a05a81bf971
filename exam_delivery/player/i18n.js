/** Texts: the Chinese text is the name of the message, the English dictionary is loaded for those who choose English. */

let language = "zh-Hans";
let english = null;

/** @returns {"zh-Hans"|"en"} the language shown now */
export const currentLanguage = () => language;

/** Choose the language of every text made from now on; English stays Chinese until its dictionary is here. */
export function setLanguage(value) {
  language = value === "en" && english ? "en" : "zh-Hans";
  document.documentElement.lang = language;
}

/** @returns {Promise<boolean>|null} comes when a dictionary had to be loaded and is here; null when nothing is missing */
export function loadLanguage(value) {
  if (value !== "en" || english) return null;
  return import("./messages_en.js").then((loaded) => {
    english = loaded.ENGLISH;
    return true;
  });
}

/**
 * Translate a Chinese message; `{n}` is replaced by `values.n`.
 * @param {string} message
 * @param {Record<string, string|number>} [values]
 */
export function t(message, values = {}) {
  const text = language === "en" ? english[message] || message : message;
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}
