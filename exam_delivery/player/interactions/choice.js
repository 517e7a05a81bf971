/** What is answered by options, named by letters: cards to choose, ordering by buttons, matching by lists. Nothing needs dragging. */
import { button, fill, h, icon } from "../dom.js";
import { t } from "../i18n.js";
import { makeZoomable, zoomButtons } from "../views/dialogs.js";

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

/** Plain text of a piece of HTML, for the entries of a list box. */
function plain(html) {
  return new DOMParser().parseFromString(html, "text/html").body.textContent.trim();
}

function moveButton(name, label, enabled, onClick) {
  return button(`button small move-${name}`, onClick, icon(name), { "aria-label": label, disabled: !enabled });
}

/** Put options in order with an up and a down button each. */
export function renderOrder({ slot, onChange }) {
  const given = slot.choices.map((choice) => choice.id);
  const list = h("ol", { class: "order" });
  const confirm = button("button", () => change(order), t("就按现在的顺序作答"));
  let order = given;

  function change(next) {
    order = next;
    onChange(order);
    confirm.hidden = true;
  }

  function move(index, step, focusName) {
    const next = order.slice();
    [next[index], next[index + step]] = [next[index + step], next[index]];
    change(next);
    draw();
    const row = list.children[index + step];
    (row.querySelector(`.move-${focusName}:not([disabled])`) || row.querySelector("button:not([disabled])")).focus();
  }

  function row(identifier, index) {
    const position = given.indexOf(identifier);
    const name = t("{option} 项", { option: letter(position) });
    const text = h("span", { class: "card-text", html: slot.choices[position].content });
    return h("li", {}, h("span", { class: "card-mark" }, letter(position)), text, zoomButtons(text),
      moveButton("up", t("{name}上移，现在第 {n} 位", { name, n: index + 1 }), index > 0, () => move(index, -1, "up")),
      moveButton("down", t("{name}下移，现在第 {n} 位", { name, n: index + 1 }), index < order.length - 1, () => move(index, 1, "down")));
  }

  function draw() {
    fill(list, ...order.map(row));
  }

  draw();
  return {
    element: h("div", {}, list, confirm),
    set(response) {
      const next = response.length === given.length ? response : given;
      confirm.hidden = response.length > 0;
      if (next.join("\n") === order.join("\n")) return;
      order = next;
      draw();
    },
  };
}

/** Choose a target for every row. */
export function renderMatch({ slot, id, onChange }) {
  const label = (index) => String(index + 1);
  const options = () => [h("option", { value: "" }, t("请选择"))].concat(
    slot.targets.map((target, index) => h("option", { value: target.id }, `${label(index)}. ${plain(target.content)}`)));
  const read = () => selects.filter((select) => select.value).map((select) => [select.dataset.choice, select.value]);
  const selects = slot.choices.map((choice, index) => {
    const select = h("select", { id: `${id}-match-${index}`, "data-choice": choice.id, onchange: () => onChange(read()) }, options());
    return select;
  });
  const rows = slot.choices.map((choice, index) => {
    const text = h("span", { class: "card-text", html: choice.content });
    return h("div", { class: "match-row" }, h("label", { htmlFor: selects[index].id }, h("span", { class: "card-mark" }, letter(index)), text), zoomButtons(text), selects[index]);
  });
  const targets = h("ol", { class: "targets" }, slot.targets.map((target) => h("li", { html: target.content })));
  makeZoomable(targets);
  return {
    element: h("div", { class: "match" }, h("div", { class: "match-rows" }, rows),
      h("div", { class: "match-targets" }, h("p", { class: "muted" }, t("可选内容")), targets)),
    set(response) {
      const chosen = {};
      response.forEach(([choice, target]) => {
        chosen[choice] = target;
      });
      selects.forEach((select) => {
        select.value = chosen[select.dataset.choice] || "";
      });
    },
  };
}
