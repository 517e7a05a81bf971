/* The keyboard of the rating page: arrows step a percentage, Enter goes to the next control, boxes exclude each other. */
const KEEP_AFTER_MS = 500;

export default function panelKeys(form, controls, keep) {
  const timers = new Map();

  function now(input) {
    clearTimeout(timers.get(input));
    timers.delete(input);
    keep(input.dataset.subject, input.value);
  }

  function later(input) {
    clearTimeout(timers.get(input));
    timers.set(input, setTimeout(() => now(input), KEEP_AFTER_MS));
  }

  function step(input, event) {
    const size = event.shiftKey ? 1 : Number(input.dataset.ownStep || form.dataset.step);
    const way = event.key === "ArrowUp" ? size : -size;
    const next = input.value === "" ? Math.floor(Number(input.max) / 2) : Number(input.value) + way;
    input.value = Math.min(Number(input.max), Math.max(0, next));
    later(input);
  }

  function move(input, way) {
    const all = controls();
    const next = all[all.indexOf(input) + way];
    if (!next) return;
    next.focus();
    next.scrollIntoView({ block: "center" });
    if (next.select) next.select();
  }

  form.addEventListener("keydown", (event) => {
    const input = event.target;
    if (event.key === "Enter" && input.matches("input, select")) {
      event.preventDefault();
      move(input, event.shiftKey ? -1 : 1);
    } else if (input.matches('input[type="number"]') && (event.key === "ArrowUp" || event.key === "ArrowDown")) {
      event.preventDefault();
      step(input, event);
    }
  });

  form.addEventListener("focusout", (event) => { if (timers.has(event.target)) now(event.target); });

  form.addEventListener("change", (event) => {
    const input = event.target;
    if (input.dataset.subject) {
      now(input);
      return;
    }
    const group = input.closest("[data-options]");
    if (!group) return;
    const boxes = Array.from(group.querySelectorAll("input[type=checkbox]"));
    const others = (box) => box.hasAttribute("data-nothing") !== input.hasAttribute("data-nothing");
    if (input.checked) boxes.filter(others).forEach((box) => { box.checked = false; });
    keep(group.dataset.options, boxes.filter((box) => box.checked).map((box) => box.value).join(","));
  });
}
