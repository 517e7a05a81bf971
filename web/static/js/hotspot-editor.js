/* Draws the regions of a hotspot item on its picture, into the fields that also take typed coordinates. */
const SVG = "http://www.w3.org/2000/svg";
const SIDE = 1000;
const LEAST = 8;

function svg(name, attributes, text) {
  const element = document.createElementNS(SVG, name);
  for (const key of Object.keys(attributes)) element.setAttribute(key, attributes[key]);
  if (text) element.textContent = text;
  return element;
}

function made(tag, attributes, text) {
  const element = Object.assign(document.createElement(tag), attributes);
  if (text) element.textContent = text;
  return element;
}

function numbers(text) {
  return (text.match(/\d+/g) || []).map(Number);
}

/* The element of a shape in thousandths of width and height; null while there are too few coordinates. */
function drawn(shape, coords) {
  const [a, b, c, d] = coords;
  if (shape === "polygon") return coords.length >= 4 ? svg("polygon", { points: coords.join(" ") }) : null;
  if (coords.length !== 4) return null;
  if (shape === "ellipse") return svg("ellipse", { cx: a, cy: b, rx: c, ry: d });
  return svg("rect", { x: Math.min(a, c), y: Math.min(b, d), width: Math.abs(c - a), height: Math.abs(d - b) });
}

function centre(shape, coords) {
  if (shape === "ellipse") return coords;
  const mean = (side) => {
    const part = coords.filter((_, index) => index % 2 === side);
    return part.reduce((sum, value) => sum + value, 0) / part.length;
  };
  return [mean(0), mean(1)];
}

function between([x1, y1], [x2, y2], shape) {
  if (shape === "rect") return [Math.min(x1, x2), Math.min(y1, y2), Math.max(x1, x2), Math.max(y1, y2)];
  return [(x1 + x2) / 2, (y1 + y2) / 2, Math.abs(x2 - x1) / 2, Math.abs(y2 - y1) / 2].map(Math.round);
}

export default function hotspotEditor(fieldset) {
  const form = fieldset.closest("form");
  const stem = (fieldset.closest(".item-child-form") || form).querySelector('textarea[name$="stem"]');
  const rows = Array.from(fieldset.querySelectorAll("[data-hotspot-row]")).map((element) => ({
    id: element.dataset.hotspotRow,
    name: element.querySelector('[name$="choice"]'),
    shape: element.querySelector('[name$="shape"]'),
    coords: element.querySelector('[name$="coords"]'),
  }));
  const words = fieldset.dataset;
  const note = made("p", { className: "form-text" }, words.textNone);
  const tools = made("div", { className: "button-row hotspot-tools" });
  const image = made("img", { alt: "", draggable: false });
  const layer = svg("svg", { class: "hotspot-layer", "aria-hidden": "true" });
  const shapes = svg("svg", { viewBox: `0 0 ${SIDE} ${SIDE}`, preserveAspectRatio: "none", width: "100%", height: "100%" });
  const board = made("div", { className: "hotspot-picture hotspot-board" });
  const done = made("button", { type: "button", className: "btn btn-secondary btn-sm", hidden: true }, words.textDone);
  let tool = "rect";
  let start = null;
  let corners = [];
  let wanted = null;

  function choose(name) {
    tool = name;
    corners = [];
    for (const button of tools.querySelectorAll("[data-tool]")) button.setAttribute("aria-pressed", String(button.dataset.tool === name));
    draw();
  }

  function draw(pending) {
    shapes.textContent = "";
    layer.querySelectorAll("text").forEach((one) => one.remove());
    for (const row of rows) {
      const coords = numbers(row.coords.value);
      const element = drawn(row.shape.value, coords);
      if (!element) continue;
      element.setAttribute("class", "hotspot-shape");
      shapes.append(element);
      const [x, y] = centre(row.shape.value, coords);
      layer.append(svg("text", { class: "hotspot-letter", x: `${x / 10}%`, y: `${y / 10}%` }, row.id));
    }
    const open = pending || (corners.length > 2 && drawn("polygon", corners));
    if (open) open.setAttribute("class", "hotspot-shape hotspot-open");
    if (open) shapes.append(open);
    for (let index = 0; index < corners.length; index += 2) {
      layer.append(svg("text", { class: "hotspot-letter", x: `${corners[index] / 10}%`, y: `${corners[index + 1] / 10}%` }, "+"));
    }
    done.hidden = corners.length < 6;
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

  function place(event) {
    const box = board.getBoundingClientRect();
    const part = (value, length) => Math.max(0, Math.min(SIDE, Math.round((value / length) * SIDE)));
    return [part(event.clientX - box.left, box.width), part(event.clientY - box.top, box.height)];
  }

  function showPicture() {
    const found = /src="media:([A-Za-z0-9._-]+)"/.exec(stem.value);
    const address = found ? `/media/${found[1]}` : "";
    board.hidden = tools.hidden = !found;
    note.textContent = found ? words.textHelp : words.textNone;
    if (found && image.getAttribute("src") !== address) image.src = address;
  }

  board.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    event.preventDefault();
    if (tool === "polygon") {
      corners = corners.concat(place(event));
      draw();
      return;
    }
    start = place(event);
    board.setPointerCapture(event.pointerId);
  });
  board.addEventListener("pointermove", (event) => {
    if (start) draw(drawn(tool, between(start, place(event), tool)));
  });
  board.addEventListener("pointerup", (event) => {
    if (!start) return;
    const from = start;
    const to = place(event);
    start = null;
    if (Math.min(Math.abs(to[0] - from[0]), Math.abs(to[1] - from[1])) < LEAST) draw();
    else keep(between(from, to, tool));
  });
  board.addEventListener("pointercancel", () => {
    start = null;
    draw();
  });
  done.addEventListener("click", () => keep(corners));
  fieldset.addEventListener("focusin", (event) => {
    const row = rows.find((one) => one.coords === event.target);
    if (row) wanted = row;
    else if (event.target.matches("[name]")) wanted = null;
  });
  fieldset.addEventListener("input", () => draw());
  fieldset.addEventListener("change", () => draw());
  form.addEventListener("input", showPicture);

  tools.append(made("span", {}, words.textDraw));
  for (const option of rows[0].shape.options) {
    const button = made("button", { type: "button", className: "btn btn-secondary btn-sm" }, option.textContent);
    button.dataset.tool = option.value;
    button.addEventListener("click", () => choose(option.value));
    tools.append(button);
  }
  tools.append(done);
  layer.append(shapes);
  board.append(image, layer);
  fieldset.querySelector("[data-hotspot-row]").before(note, tools, board);
  choose(tool);
  showPicture();
}
