/** One item on the screen: heading, stem, control, state of its answer; and the text that several items share. */
import { say } from "../announce.js";
import { button, fill, h, icon, setAttribute } from "../dom.js";
import { t } from "../i18n.js";
import { typeset } from "../math.js";
import { howTo, kindOf, renderInteraction } from "../interactions/index.js";
import { mayAnswer, positionOf, responseAt, safety, sameResponse } from "../selectors.js";
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
function dressText(text) {
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
  const clear = button("link", () => clearAnswer(), t("清除本题答案"));
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
    fill(saved, SAFETY_ICONS[now] && icon(SAFETY_ICONS[now]), h("span", {}, text));
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

/** Slots in groups: those that follow each other and share a text together, every other one by itself. */
export function groupsOf(slots) {
  return slots.reduce((groups, slot) => {
    const last = groups[groups.length - 1];
    const joins = last && slot.stimulus !== undefined && last[0].stimulus === slot.stimulus;
    return joins ? [...groups.slice(0, -1), [...last, slot]] : [...groups, [slot]];
  }, []);
}

function rangeText(form, stimulus) {
  const own = form.slots.filter((slot) => slot.stimulus === stimulus).map((slot) => positionOf(form, slot.slot));
  return own.length > 1 ? t("第 {a} 至 {b} 题的材料", { a: Math.min(...own), b: Math.max(...own) }) : t("第 {n} 题的材料", { n: own[0] });
}

/**
 * The text that a slot shares with others, before them in reading order and a region of its own, with room for items beside it; null
 * when it shares none.
 */
export function createSplit(form, slot) {
  if (slot.stimulus === undefined) return null;
  const title = rangeText(form, slot.stimulus);
  const text = h("div", { class: "stem", html: form.stimuli[slot.stimulus] });
  const pane = h("section", { class: "stimulus", tabindex: "0", "aria-label": title }, h("h2", { class: "stimulus-title" }, title), text);
  const items = h("div", { class: "split-items" });
  dressText(text);
  typeset(pane);
  return { element: h("div", { class: "split" }, pane, items), items, stimulus: slot.stimulus, tell: () => say(t("{title}在题目之前。", { title })) };
}
