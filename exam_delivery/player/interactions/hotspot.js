/** A picture with regions to choose among, or with places to point at: by mouse, touch or arrow keys. */
import { say } from "../announce.js";
import { fill, h, setText, svg } from "../dom.js";
import { t } from "../i18n.js";
import { letter, renderChoice } from "./choice.js";

const SIDE = 1000;
const STEP = 10;
const NEAR = 20;
const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const percent = (value) => `${value / 10}%`;

/** Draw a region in thousandths of width and height. */
function drawn({ shape, coords }) {
  const [a, b, c, d] = coords;
  if (shape === "ellipse") return svg("ellipse", { class: "region", cx: a, cy: b, rx: c, ry: d });
  if (shape === "polygon") return svg("polygon", { class: "region", points: coords.join(" ") });
  return svg("rect", { class: "region", x: Math.min(a, c), y: Math.min(b, d), width: Math.abs(c - a), height: Math.abs(d - b) });
}

/** Where the letter of a region stands. */
function centre({ shape, coords }) {
  const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
  return shape === "ellipse" ? coords.slice(0, 2) : [0, 1].map((side) => mean(coords.filter((_, index) => index % 2 === side)));
}

function mark(text, [x, y]) {
  return svg("text", { class: "region-letter", x: percent(x), y: percent(y) }, text);
}

function layer(...children) {
  return svg("svg", { class: "hotspot-layer", "aria-hidden": "true", focusable: "false" }, ...children);
}

/** Take the picture out of the stem; it becomes part of the control. */
function pictureOf(stem) {
  const image = stem.querySelector("img") || h("img", { alt: "" });
  image.remove();
  return image;
}

function renderRegions({ slot, id, stem, onChange }) {
  const { picks, regions } = slot.hotspot;
  let last = [];
  const list = renderChoice({ slot, id, onChange(response) {
    if (response.length > picks) {
      list.set(last);
      say(t("最多选 {n} 个。", { n: picks }));
      return;
    }
    show(response);
    onChange(response);
  } });
  const inputs = list.element.querySelectorAll("input");
  const shown = slot.choices.filter((choice) => regions[choice.id]);
  const shapes = shown.map((choice) => drawn(regions[choice.id]));
  const letters = shown.map((choice) => mark(letter(slot.choices.indexOf(choice)), centre(regions[choice.id])));
  shapes.forEach((shape, index) => shape.addEventListener("click", () => inputs[slot.choices.indexOf(shown[index])].click()));

  function show(response) {
    last = response;
    shapes.forEach((shape, index) => shape.classList.toggle("is-on", response.includes(shown[index].id)));
  }

  const inner = svg("svg", { viewBox: `0 0 ${SIDE} ${SIDE}`, preserveAspectRatio: "none", width: "100%", height: "100%" }, ...shapes);
  return {
    element: h("div", {}, h("div", { class: "hotspot" }, pictureOf(stem), layer(inner, ...letters)), list.element),
    set(response) {
      list.set(response);
      show(response);
    },
    choose: list.choose,
  };
}

function renderPoints({ slot, id, stem, onChange }) {
  const most = slot.hotspot.picks;
  let points = [];
  let cursor = [SIDE / 2, SIDE / 2];
  const count = h("p", { class: "hint", id: `${id}-count` });
  const marks = layer();
  const board = h("div", {
    class: "hotspot", tabIndex: 0, role: "application", "aria-label": t("答题图"), "aria-describedby": `${id}-count`,
    onclick(event) {
      const box = board.getBoundingClientRect();
      move([(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height].map((part) => part * SIDE));
      place();
    },
    onkeydown,
  }, pictureOf(stem), marks);

  const where = () => t("横 {x}，纵 {y}", { x: percent(cursor[0]), y: percent(cursor[1]) });

  function move(to) {
    cursor = to.map((part) => Math.max(0, Math.min(SIDE, Math.round(part))));
    draw();
  }

  /** Mark the place of the cross; a mark already there goes away, and the oldest one when there are too many. */
  function place() {
    if (board.closest("fieldset:disabled")) return;
    const rest = points.filter(([x, y]) => Math.hypot(x - cursor[0], y - cursor[1]) > NEAR);
    points = rest.length < points.length ? rest : rest.concat([cursor]).slice(-most);
    draw();
    onChange(points.map((point) => point.map(String)));
    say(count.textContent);
  }

  function onkeydown(event) {
    const to = MOVES[event.key];
    if (event.ctrlKey || event.altKey || event.metaKey || !(to || event.key === "Enter" || event.key === " ")) return;
    event.preventDefault();
    if (!to) return void place();
    const step = event.shiftKey ? 1 : STEP;
    move([cursor[0] + to[0] * step, cursor[1] + to[1] * step]);
    say(where());
  }

  function draw() {
    const [x, y] = cursor.map(percent);
    fill(marks, svg("line", { class: "cross", x1: x, x2: x, y1: 0, y2: "100%" }), svg("line", { class: "cross", y1: y, y2: y, x1: 0, x2: "100%" }),
      ...points.map((point) => svg("circle", { class: "region is-on", cx: percent(point[0]), cy: percent(point[1]), r: 12 })),
      ...points.map((point, index) => mark(String(index + 1), point)));
    setText(count, t("已点 {n} 处，共要点 {most} 处", { n: points.length, most }));
  }

  draw();
  return {
    element: h("div", {}, board, count),
    set(response) {
      points = response.filter(Array.isArray).map((point) => point.map(Number));
      draw();
    },
  };
}

/** Choose regions or point at places, as the item says. */
export function renderHotspot(options) {
  return options.slot.hotspot.mode === "point" ? renderPoints(options) : renderRegions(options);
}
