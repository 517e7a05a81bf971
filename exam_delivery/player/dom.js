/** Building and changing elements without inline styles or markup strings. */

const PROPERTIES = new Set(["value", "checked", "disabled", "hidden", "selected", "tabIndex", "htmlFor", "open", "readOnly"]);

function apply(element, name, value) {
  if (value === null || value === undefined) return;
  if (name === "class") element.className = value;
  else if (name === "html") element.innerHTML = value;
  else if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
  else if (PROPERTIES.has(name)) element[name] = value;
  else if (value === true) element.setAttribute(name, "");
  else if (value !== false) element.setAttribute(name, String(value));
}

/**
 * Make an element: `h("p", {class: "muted"}, "text", child)`.
 * @returns {any}
 */
export function h(tag, props, ...children) {
  const element = document.createElement(tag);
  Object.keys(props || {}).forEach((name) => apply(element, name, props[name]));
  element.append(...children.reduce((all, child) => all.concat(child), []).filter((child) => child || child === 0));
  return element;
}

/** Make a button of a class; `children` is what stands on it, one thing or a list. */
export const button = (kind, onclick, children, props = {}) => h("button", { type: "button", class: kind, onclick, ...props }, children);

/** Make words that are heard, not seen. */
export const heard = (text) => h("span", { class: "visually-hidden" }, text);

/** Make a box to tick, with its words; `onchange` gets whether it is ticked. */
export function tickBox(text, kind, checked, onchange) {
  const box = h("input", { type: "checkbox", checked, onchange: () => onchange(box.checked) });
  return h("label", { class: kind }, box, text);
}

/** Make a list of facts out of pairs of name and value; those without a value are left out. */
export const facts = (rows, kind = "facts") => h("dl", { class: kind }, rows.filter(([, value]) => value).map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))));

/** Make a numbered list of sentences. */
export const sentences = (texts) => h("ol", { class: "rules" }, texts.map((text) => h("li", {}, text)));

/** Set text only when it differs, so that nothing is announced or repainted in vain. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Set or remove an attribute only when it differs. */
export function setAttribute(element, name, value) {
  if (value === null || value === false) element.removeAttribute(name);
  else if (element.getAttribute(name) !== String(value)) element.setAttribute(name, String(value));
}

/** Replace all children. */
export function fill(element, ...children) {
  element.textContent = "";
  element.append(...children.filter(Boolean));
  return element;
}

const PATHS = {
  flag: "M5 21V4h11l-2 4 2 4H7v9z",
  check: "M5 12.5l4.5 4.5L19 7.5",
  clock: "M12 7v5l3.5 2M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18z",
  link: "M3 9a13 13 0 0 1 18 0M6 12.5a8.5 8.5 0 0 1 12 0M9 16a4 4 0 0 1 6 0M12 19.5v.1",
  cut: "M3 3l18 18M6 12.5a8.5 8.5 0 0 1 4-2.3M3 9a13 13 0 0 1 4-2.6M12 19.5v.1M15 10.6a8.5 8.5 0 0 1 3 1.9M12 6a13 13 0 0 1 9 3",
  left: "M15 5l-7 7 7 7",
  right: "M9 5l7 7-7 7",
  up: "M5 15l7-7 7 7",
  down: "M5 9l7 7 7-7",
  alert: "M12 4l9 16H3zM12 10v4M12 17v.1",
};

/** Make an element of a drawing. */
export function svg(name, attributes, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  Object.keys(attributes).forEach((key) => element.setAttribute(key, attributes[key]));
  element.append(...children);
  return element;
}

/** A decorative line icon in the colour of its text. */
export function icon(name) {
  return svg("svg", { viewBox: "0 0 24 24", class: `icon icon-${name}`, "aria-hidden": "true", focusable: "false" }, svg("path", { d: PATHS[name] }));
}
