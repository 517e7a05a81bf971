/* Keys: data-shortcut="ctrl+k" focuses a field or presses a button. Only combinations with Ctrl, so typing is safe. */
function nameOf(event) {
  return `ctrl+${event.key.toLowerCase()}`;
}

export function listenForShortcuts() {
  document.addEventListener("keydown", (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.altKey) return;
    const target = document.querySelector(`[data-shortcut="${CSS.escape(nameOf(event))}"]`);
    if (!target || target.disabled) return;
    event.preventDefault();
    if (target.matches("button, a")) target.click();
    else target.focus();
  });
}
