/* What the drawing of regions consists of: the rows of the form, the tools, the picture, and how it is painted. */
import { SIDE, centre, drawn, made, numbers, svg } from "./hotspot-shapes.js";

export function boardOf(fieldset) {
  const words = fieldset.dataset;
  const rows = Array.from(fieldset.querySelectorAll("[data-hotspot-row]")).map((element) => ({
    id: element.dataset.hotspotRow,
    name: element.querySelector('[name$="choice"]'),
    shape: element.querySelector('[name$="shape"]'),
    coords: element.querySelector('[name$="coords"]'),
  }));
  const part = {
    rows,
    note: made("p", { className: "form-text" }, words.textNone),
    tools: made("div", { className: "button-row hotspot-tools" }),
    image: made("img", { alt: "", draggable: false }),
    layer: svg("svg", { class: "hotspot-layer", "aria-hidden": "true" }),
    shapes: svg("svg", { viewBox: `0 0 ${SIDE} ${SIDE}`, preserveAspectRatio: "none", width: "100%", height: "100%" }),
    board: made("div", { className: "hotspot-picture hotspot-board" }),
    done: made("button", { type: "button", className: "btn btn-secondary btn-sm", hidden: true }, words.textDone),
  };
  part.tools.append(made("span", {}, words.textDraw));
  for (const option of rows[0].shape.options) {
    const button = made("button", { type: "button", className: "btn btn-secondary btn-sm" }, option.textContent);
    button.dataset.tool = option.value;
    part.tools.append(button);
  }
  part.tools.append(part.done);
  part.layer.append(part.shapes);
  part.board.append(part.image, part.layer);
  fieldset.querySelector("[data-hotspot-row]").before(part.note, part.tools, part.board);
  return part;
}

/* Paint all regions, the corners of a polygon that is being drawn, and the shape under the mouse. */
export function paint(part, corners, pending) {
  part.shapes.textContent = "";
  part.layer.querySelectorAll("text").forEach((one) => one.remove());
  for (const row of part.rows) {
    const coords = numbers(row.coords.value);
    const element = drawn(row.shape.value, coords);
    if (!element) continue;
    element.setAttribute("class", "hotspot-shape");
    part.shapes.append(element);
    write(part, centre(row.shape.value, coords), row.id);
  }
  const open = pending || (corners.length > 2 && drawn("polygon", corners));
  if (open) open.setAttribute("class", "hotspot-shape hotspot-open");
  if (open) part.shapes.append(open);
  for (let index = 0; index < corners.length; index += 2) write(part, corners.slice(index, index + 2), "+");
  part.done.hidden = corners.length < 6;
}

function write(part, [x, y], text) {
  part.layer.append(svg("text", { class: "hotspot-letter", x: `${x / 10}%`, y: `${y / 10}%` }, text));
}

/* The place of the mouse on the picture. */
export function place(board, event) {
  const box = board.getBoundingClientRect();
  const within = (value, length) => Math.max(0, Math.min(SIDE, Math.round((value / length) * SIDE)));
  return [within(event.clientX - box.left, box.width), within(event.clientY - box.top, box.height)];
}

export function showPicture(part, words, text) {
  const found = /src="media:([A-Za-z0-9._-]+)"/.exec(text);
  const address = found ? `/media/${found[1]}` : "";
  part.board.hidden = part.tools.hidden = !found;
  part.note.textContent = found ? words.textHelp : words.textNone;
  if (found && part.image.getAttribute("src") !== address) part.image.src = address;
}
