/* Ways out of the drawer and back: to the row it was opened from, or with its form to a page of its own. */
const OPENER = "kaoku-drawer-opener";

export function rememberOpener(link) {
  sessionStorage.setItem(OPENER, link.pathname);
}

/* After an act the page is another one: its reader goes on from the same row. */
export function focusOpener() {
  const path = sessionStorage.getItem(OPENER);
  sessionStorage.removeItem(OPENER);
  const link = path && Array.from(document.querySelectorAll("a[data-drawer]")).find((one) => one.pathname === path);
  if (link) link.focus({ preventScroll: true });
}

export function sendAsPage(form, button) {
  const pressed = { type: "hidden", name: button && button.name, value: button && button.value };
  if (pressed.name) form.append(Object.assign(document.createElement("input"), pressed));
  form.submit();
}
