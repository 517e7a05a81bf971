/* Shapes of a hotspot item in thousandths of the width and height of its picture. */
const SVG = "http://www.w3.org/2000/svg";
export const SIDE = 1000;

export function svg(name, attributes, text) {
  const element = document.createElementNS(SVG, name);
  for (const key of Object.keys(attributes)) element.setAttribute(key, attributes[key]);
  if (text) element.textContent = text;
  return element;
}

export function made(tag, attributes, text) {
  const element = Object.assign(document.createElement(tag), attributes);
  if (text) element.textContent = text;
  return element;
}

export function numbers(text) {
  return (text.match(/\d+/g) || []).map(Number);
}

/* The element of a shape in thousandths of width and height; null while there are too few coordinates. */
export function drawn(shape, coords) {
  const [a, b, c, d] = coords;
  if (shape === "polygon") return coords.length >= 4 ? svg("polygon", { points: coords.join(" ") }) : null;
  if (coords.length !== 4) return null;
  if (shape === "ellipse") return svg("ellipse", { cx: a, cy: b, rx: c, ry: d });
  return svg("rect", { x: Math.min(a, c), y: Math.min(b, d), width: Math.abs(c - a), height: Math.abs(d - b) });
}

export function centre(shape, coords) {
  if (shape === "ellipse") return coords;
  const mean = (side) => {
    const part = coords.filter((_, index) => index % 2 === side);
    return part.reduce((sum, value) => sum + value, 0) / part.length;
  };
  return [mean(0), mean(1)];
}

export function between([x1, y1], [x2, y2], shape) {
  if (shape === "rect") return [Math.min(x1, x2), Math.min(y1, y2), Math.max(x1, x2), Math.max(y1, y2)];
  return [(x1 + x2) / 2, (y1 + y2) / 2, Math.abs(x2 - x1) / 2, Math.abs(y2 - y1) / 2].map(Math.round);
}
