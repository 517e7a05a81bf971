/** One item on the screen: heading, stem, control, state of its answer. */
import { h, icon, setAttribute } from "../dom.js";
import { t } from "../i18n.js";
import { typeset } from "../math.js";
import { howTo, kindOf, renderInteraction } from "../interactions/index.js";
import { sameResponse } from "../responses.js";
import { mayAnswer, positionOf, responseAt, safety } from "../selectors.js";
import { makeZoomable } from "./dialogs.js";

/** Words for how safe an answer is. */
export function safetyText(state, slot) {
  const texts = {
    none: t("未作答"), saved: t("已保存"), saving: t("正在保存"), local: t("已存本机"),
    page: t("暂存在本页，请勿关闭"), refused: t("未能保存，请举手告诉监考员"),
  };
  return texts[safety(state, slot)];
}

const SAFETY_ICONS = { saved: "check", saving: "clock", local: "cut", page: "alert", refused: "alert" };

/** Texts wider than their place (tables, formulas) become stops of the Tab key, so that arrow keys can scroll them. */
const wide = new ResizeObserver((entries) => entries.forEach(({ target }) => {
  const scrolls = target.scrollWidth > target.clientWidth + 1;
  setAttribute(target, "tabindex", scrolls ? 0 : null);
}));

/** What every text of an item or a shared text needs: pictures that open, wide parts that scroll by keyboard. */
export function dressText(text) {
  makeZoomable(text);
  wide.observe(text);
}

function scoreText(slot) {
  return slot.score ? t("{kind}，{score} 分", { kind: kindOf(slot), score: slot.score }) : kindOf(slot);
}

/**
 * @param {any} ctx store and actions
 * @param {import("../types.js").Slot} slot
 */
export function createItem(ctx, slot) {
  const { store } = ctx;
  const id = `item-${slot.slot}`;
  const position = positionOf(store.get().form, slot.slot);
  const stem = h("div", { class: "stem", id: `${id}-stem`, html: slot.stem });
  const control = renderInteraction({ slot, id, stem, onChange: (response) => ctx.answer(slot.slot, response) });
  const saved = h("span", { class: "safety" });
  const clear = h("button", { type: "button", class: "link", onclick: () => clearAnswer() }, t("清除本题答案"));
  const heading = h("h2", { id: `${id}-heading`, class: "item-heading" }, t("第 {n} 题", { n: position }), " ",
    h("span", { class: "kind" }, scoreText(slot)));
  const fields = h("fieldset", { "aria-describedby": `${id}-stem` },
    h("legend", { class: "visually-hidden" }, `${t("第 {n} 题", { n: position })} ${scoreText(slot)}`),
    control.inStem ? stem : null, control.element);
  const element = h("article", { class: "item", id, tabIndex: -1, "aria-labelledby": `${id}-heading`, "data-slot": slot.slot },
    h("div", { class: "item-head" }, heading, saved), h("p", { class: "muted how-to" }, howTo(slot)),
    control.inStem ? null : stem, fields, h("div", { class: "item-foot" }, clear));
  dressText(stem);
  typeset(element);
  let shown = null;
  let shownSafety = "";

  function clearAnswer() {
    ctx.answer(slot.slot, []);
    control.set([]);
    element.focus();
  }

  function showSafety(state) {
    const now = safety(state, slot.slot);
    const text = safetyText(state, slot.slot);
    if (now + text === shownSafety) return;
    shownSafety = now + text;
    saved.className = `safety safety-${now}`;
    saved.textContent = "";
    saved.append(...[SAFETY_ICONS[now] ? icon(SAFETY_ICONS[now]) : "", h("span", {}, text)]);
  }

  return {
    element,
    slot: slot.slot,
    choose: (index) => Boolean(control.choose) && control.choose(index),
    update(state) {
      const response = responseAt(state, slot.slot);
      if (shown === null || !sameResponse(shown, response)) control.set(response);
      shown = response;
      const open = mayAnswer(state);
      if (fields.disabled === open) fields.disabled = !open;
      clear.hidden = !open || !response.length;
      element.classList.toggle("is-marked", Boolean(state.marks[slot.slot]));
      showSafety(state);
    },
  };
}
