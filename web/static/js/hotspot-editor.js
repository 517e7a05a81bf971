/* Draws the regions of a hotspot item on its picture, into the fields that also take typed coordinates. */
import { boardOf, paint, place, showPicture } from "./hotspot-board.js";
import { between, drawn } from "./hotspot-shapes.js";

const LEAST = 8;

export default function hotspotEditor(fieldset) {
  const form = fieldset.closest("form");
  const stem = (fieldset.closest(".item-child-form") || form).querySelector('textarea[name$="stem"]');
  const part = boardOf(fieldset);
  const { rows, tools, board, done } = part;
  let tool = "rect";
  let start = null;
  let corners = [];
  let wanted = null;
  const draw = (pending) => paint(part, corners, pending);

  function choose(name) {
    tool = name;
    corners = [];
    for (const button of tools.querySelectorAll("[data-tool]")) button.setAttribute("aria-pressed", String(button.dataset.tool === name));
    draw();
  }

  /* Put a finished shape into the row chosen, or the first one that has none. */
  function keep(coords) {
    const row = wanted || rows.find((one) => !one.coords.value.trim());
    corners = [];
    wanted = null;
    if (row) {
      row.shape.value = tool;
      row.coords.value = coords.join(" ");
      row.coords.dispatchEvent(new Event("input", { bubbles: true }));
      if (!row.name.value.trim()) row.name.focus({ preventScroll: true });
    }
    draw();
  }

  board.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    event.preventDefault();
    if (tool === "polygon") {
      corners = corners.concat(place(board, event));
      draw();
      return;
    }
    start = place(board, event);
    board.setPointerCapture(event.pointerId);
  });
  board.addEventListener("pointermove", (event) => {
    if (start) draw(drawn(tool, between(start, place(board, event), tool)));
  });
  board.addEventListener("pointerup", (event) => {
    if (!start) return;
    const [from, to] = [start, place(board, event)];
    start = null;
    if (Math.min(Math.abs(to[0] - from[0]), Math.abs(to[1] - from[1])) < LEAST) draw();
    else keep(between(from, to, tool));
  });
  board.addEventListener("pointercancel", () => { start = null; draw(); });
  done.addEventListener("click", () => keep(corners));
  fieldset.addEventListener("focusin", (event) => {
    const row = rows.find((one) => one.coords === event.target);
    if (row) wanted = row;
    else if (event.target.matches("[name]")) wanted = null;
  });
  for (const kind of ["input", "change"]) fieldset.addEventListener(kind, () => draw());
  form.addEventListener("input", () => showPicture(part, fieldset.dataset, stem.value));
  for (const button of tools.querySelectorAll("[data-tool]")) button.addEventListener("click", () => choose(button.dataset.tool));
  choose(tool);
  showPicture(part, fieldset.dataset, stem.value);
}
