/** Typed answers: blanks inside the stem, a number, a long text. */
import { h, setText } from "../dom.js";
import { t } from "../i18n.js";
import { looksNumeric, normaliseNumber } from "../selectors.js";

const PLAIN = { autocomplete: "off", autocorrect: "off", autocapitalize: "off", spellcheck: "false" };

function showValue(input, value) {
  if (input.value !== value) input.value = value;
}

function blankInput(id, number, onInput) {
  return h("input", { ...PLAIN, type: "text", class: "blank", id: `${id}-blank-${number}`,
    "aria-label": t("第 {n} 空", { n: number }), maxlength: 200, oninput: onInput });
}

/** Put an input in the place of every `{{n}}` of the stem. */
function placeBlanks(stem, inputs) {
  const walker = document.createTreeWalker(stem, NodeFilter.SHOW_TEXT);
  const nodes = [];
  while (walker.nextNode()) if (/\{\{\d+\}\}/.test(walker.currentNode.data)) nodes.push(walker.currentNode);
  nodes.forEach((node) => {
    const parts = node.data.split(/\{\{(\d+)\}\}/);
    const pieces = parts.map((part, index) => (index % 2 ? boxed(inputs, Number(part)) : part));
    node.replaceWith(...pieces.filter((piece) => piece !== "" && piece !== null));
  });
}

function boxed(inputs, number) {
  const input = inputs[number - 1];
  if (!input || input.parentNode) return null;
  return h("span", { class: "blank-box" }, h("span", { class: "blank-number", "aria-hidden": "true" }, String(number)), input);
}

/** Blanks, in place in the stem; those that the stem does not name stand below it. */
export function renderTextEntry({ slot, id, stem, onChange }) {
  const inputs = [];
  const read = () => {
    const values = inputs.map((input) => input.value);
    return values.some((value) => value !== "") ? values : [];
  };
  for (let number = 1; number <= (slot.n_blanks || 1); number += 1) {
    inputs.push(blankInput(id, number, () => onChange(read())));
  }
  placeBlanks(stem, inputs);
  const rest = inputs.map((_, index) => boxed(inputs, index + 1)).filter(Boolean);
  return {
    element: h("div", { class: "blanks" }, rest),
    inStem: true,
    set: (response) => inputs.forEach((input, index) => showValue(input, response[index] || "")),
  };
}

/** A number, with a word when what stands there cannot be read as one. */
export function renderNumber({ slot, id, onChange }) {
  const hint = h("p", { class: "hint", id: `${id}-hint` });
  const check = (value) => setText(hint, value && !looksNumeric(value) ? t("这里应填写数字，例如 3.5。") : "");
  const input = h("input", {
    ...PLAIN, type: "text", inputmode: "decimal", class: "number", id: `${id}-number`, maxlength: 60,
    "aria-describedby": `${id}-hint`,
    oninput() {
      const value = normaliseNumber(input.value);
      check(value);
      onChange(value ? [value] : []);
    },
  });
  return {
    element: h("div", { class: "field" }, h("label", { htmlFor: input.id }, t("答案")), " ", input,
      slot.unit ? h("span", { class: "unit" }, slot.unit) : null, hint),
    set(response) {
      if (normaliseNumber(input.value) !== (response[0] || "")) showValue(input, response[0] || "");
      check(response[0] || "");
    },
  };
}

/** A long text with the number of characters. */
export function renderExtendedText({ id, onChange }) {
  const count = h("p", { class: "hint", id: `${id}-count` });
  const showCount = (value) => setText(count, t("已输入 {n} 字", { n: value.replace(/\s/g, "").length }));
  const area = h("textarea", {
    ...PLAIN, class: "long-text", id: `${id}-text`, rows: 8, maxlength: 20000, "aria-describedby": `${id}-count`,
    oninput() {
      showCount(area.value);
      onChange(area.value ? [area.value] : []);
    },
  });
  showCount("");
  return {
    element: h("div", { class: "field" }, h("label", { htmlFor: area.id }, t("在这里作答")), area, count),
    set(response) {
      showValue(area, response[0] || "");
      showCount(area.value);
    },
  };
}
