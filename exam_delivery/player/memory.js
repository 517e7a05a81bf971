/** What a reload must not lose besides answers: the sign-in and the display choices, in this tab only; practice has its own. */

const KEY = `kaoku-exam:${location.pathname}`;

/** @returns {any} what was remembered, or null */
export function recall() {
  try {
    return JSON.parse(sessionStorage.getItem(KEY) || "null");
  } catch (error) {
    return null;
  }
}

/** Remember; a browser that refuses only costs another sign-in after a reload. */
export function remember(value) {
  try {
    sessionStorage.setItem(KEY, JSON.stringify(value));
  } catch (error) {
    forget();
  }
}

/** Leave nothing behind. */
export function forget() {
  try {
    sessionStorage.removeItem(KEY);
  } catch (error) {
    // nothing was kept
  }
}
