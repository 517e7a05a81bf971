/* In a list, up and down move between rows, also from a link or box in one; Enter opens the row, Space checks it. */
function rowsOf(region) {
  return Array.from(region.querySelectorAll("tbody > tr:not([hidden])"));
}

function moveTo(rows, index) {
  const row = rows[Math.max(0, Math.min(index, rows.length - 1))];
  if (!row) return;
  rows.forEach((other) => other.classList.toggle("is-current", other === row));
  row.tabIndex = -1;
  row.focus();
}

function act(row, key) {
  const target = row.querySelector(key === "Enter" ? "a[data-drawer], a[href]" : 'input[name="selected"]');
  if (target) target.click();
  return Boolean(target);
}

export default function tableKeys(region) {
  region.addEventListener("keydown", (event) => {
    const inside = event.target.closest("tr");
    const isStep = event.key.startsWith("Arrow") && event.target.matches('a, button, input[type="checkbox"]');
    if (event.target !== region && event.target !== inside && !isStep) return;
    const rows = rowsOf(region);
    const index = rows.indexOf(inside);
    const moves = { ArrowDown: index + 1, ArrowUp: index < 0 ? 0 : index - 1, Home: 0, End: rows.length - 1 };
    if (event.key in moves) {
      event.preventDefault();
      moveTo(rows, moves[event.key]);
    } else if ((event.key === "Enter" || event.key === " ") && index >= 0 && act(rows[index], event.key)) {
      event.preventDefault();
    }
  });
}
