/** Choice and true/false: native radio buttons or checkboxes as large cards, letters by position. */
import { h, icon } from "../dom.js";
import { t } from "../i18n.js";
import { zoomButtons } from "../views/dialogs.js";

/** Letter of the n-th option. */
export const letter = (index) => String.fromCharCode(65 + index);

function card({ type, name, value, mark, content, onChange, markLabel }) {
  const input = h("input", { type, name, value, onchange: onChange });
  const text = h("span", { class: "card-text", html: content });
  const label = h("label", { class: "card" }, input,
    h("span", { class: "card-mark", "aria-label": markLabel || null, role: markLabel ? "img" : null }, mark), text, icon("check"));
  const zoom = zoomButtons(text);
  return { input, element: zoom.length ? h("div", { class: "with-picture" }, label, zoom) : label };
}

function group(cards, multiple, onChange) {
  const read = () => cards.filter(({ input }) => input.checked).map(({ input }) => input.value);
  const element = h("div", { class: "cards" }, cards.map((one) => one.element));
  element.addEventListener("change", () => onChange(read()));
  return {
    element,
    set(response) {
      cards.forEach(({ input }) => {
        input.checked = response.includes(input.value);
      });
    },
    choose(index) {
      const chosen = cards[index];
      if (!chosen || chosen.input.matches(":disabled")) return false;
      chosen.input.checked = multiple ? !chosen.input.checked : true;
      chosen.input.focus();
      onChange(read());
      return true;
    },
  };
}

/** One answer or several from a list. */
export function renderChoice({ slot, id, onChange }) {
  const type = slot.multiple ? "checkbox" : "radio";
  const cards = slot.choices.map((choice, index) =>
    card({ type, name: id, value: choice.id, mark: letter(index), content: choice.content }));
  return group(cards, slot.multiple, onChange);
}

/** Right or wrong. */
export function renderTrueFalse({ id, onChange }) {
  const cards = [
    card({ type: "radio", name: id, value: "true", mark: "√", content: t("正确"), markLabel: t("对号") }),
    card({ type: "radio", name: id, value: "false", mark: "×", content: t("错误"), markLabel: t("叉号") }),
  ];
  return group(cards, false, onChange);
}
