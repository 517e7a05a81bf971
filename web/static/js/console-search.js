/* Finding candidates in an open room: by name, admission number or seat, or those alone who wait. "/" goes to the field, down and Enter
   to the rows. What is chosen stays while the tab is open; a row that is checked for an act is never hidden. Chromium 86. */
const EDITABLE = "input, textarea, select, [contenteditable]";

function matches(item, words) {
  const text = item.dataset.find.toLowerCase();
  const isSeat = /^\d{1,2}$/.test(words);
  return isSeat ? Number(text.split(" ")[0]) === Number(words) : text.includes(words);
}

export function connectSearch(room) {
  const bar = room.querySelector("[data-console-search]");
  if (!bar) return () => {};
  const field = bar.querySelector('input[type="search"]');
  const only = bar.querySelector("[data-console-only]");
  const count = bar.querySelector("[data-shown]");
  const limit = Number(room.dataset.lastIssue);
  const keptAs = `kaoku-room:${window.location.pathname}`;
  const items = () => Array.from(room.querySelectorAll("[data-seat]"));

  function isShown(item, words) {
    const box = item.querySelector('input[name="selected"]');
    if (box && box.checked) return true;
    return matches(item, words) && (!only.checked || Number(item.dataset.rank) <= limit);
  }

  function refresh() {
    const words = field.value.trim().toLowerCase();
    const all = items();
    all.forEach((item) => { item.hidden = !isShown(item, words); });
    const says = words || only.checked ? count.dataset.shown.replace("{n}", all.filter((item) => !item.hidden).length) : "";
    if (count.textContent !== says) count.textContent = says;
  }

  function change() {
    refresh();
    sessionStorage.setItem(keptAs, JSON.stringify([field.value, only.checked]));
  }

  function enter(isOpening) {
    const first = items().find((item) => !item.hidden);
    if (!first) return;
    const link = first.querySelector("a[data-drawer]");
    link.focus();
    if (isOpening) link.click();
  }

  [field.value, only.checked] = JSON.parse(sessionStorage.getItem(keptAs) || '["",false]');
  bar.hidden = false;
  field.addEventListener("input", change);
  only.addEventListener("change", change);
  field.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" && event.key !== "ArrowDown") return;
    event.preventDefault();
    enter(event.key === "Enter");
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || event.target.closest(EDITABLE)) return;
    event.preventDefault();
    field.focus();
    field.select();
  });
  refresh();
  return refresh;
}
