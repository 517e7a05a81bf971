/** A text that several items share: it stands beside them, before them in reading order, as a region of its own. */
import { say } from "../announce.js";
import { h } from "../dom.js";
import { t } from "../i18n.js";
import { typeset } from "../math.js";
import { positionOf } from "../selectors.js";
import { dressText } from "./item.js";

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

/** The shared text of a slot with room for items beside it; null when the slot shares none. */
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
