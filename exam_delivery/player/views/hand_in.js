/** Handing in: what is open or marked, then once more whether to, then the receipt. */
import { button, fill, h, setText } from "../dom.js";
import { t } from "../i18n.js";
import { formatInstant } from "../clock.js";
import { counts, positionOf, unfinished } from "../selectors.js";
import { openDialog } from "./dialogs.js";
import { mayRescue, openRescue } from "./rescue.js";

function slotLinks(ctx, slots, close) {
  const { form } = ctx.store.get();
  return h("span", { class: "slot-links" }, slots.map((slot) => {
    const n = positionOf(form, slot);
    return button("slot-link", () => {
      close();
      ctx.goTo(slot);
    }, n, { "aria-label": t("回到第 {n} 题", { n }) });
  }));
}

function sectionRow(ctx, section, close) {
  const line = (label, slots) => (slots.length ? h("p", { class: "unfinished" }, h("span", { class: "unfinished-label" }, label), slotLinks(ctx, slots, close)) : null);
  return h("section", {}, h("h3", {}, section.title),
    h("p", {}, t("共 {n} 题，已答 {answered} 题，未答 {open} 题，标记 {marked} 题", section)),
    line(t("未答"), section.openSlots), line(t("标记"), section.markedSlots));
}

function verdict(total) {
  if (total.open) return h("p", { class: "notice warning" }, t("还有 {n} 题没有作答。点题号可以回去作答。", { n: total.open }));
  return h("p", { class: "notice success" }, total.marked ? t("全部题目已作答，还有标记的题可以再看。") : t("全部题目已作答。"));
}

/** @returns {boolean} whether handing in is not allowed yet */
function tooEarly(ctx) {
  const left = ctx.clock.until(ctx.store.get().earliestSubmitAt);
  return left !== null && left > 0;
}

/** Ask what is left, then once more, then hand in. */
export function openHandIn(ctx) {
  const { store } = ctx;
  if (store.get().lock !== null || store.get().hold || document.querySelector("dialog.hand-in-dialog")) return;
  const body = h("div", {});
  const buttons = h("div", { class: "button-row" });
  const note = h("p", { class: "error", role: "alert" });
  const rescue = button("button large", () => openRescue(ctx), t("保存应急文件"), { hidden: true });
  const back = () => button("button large", () => dialog.close(), t("返回继续作答"));

  function first() {
    const early = tooEarly(ctx);
    const next = button("button primary large", second, t("交卷"), { disabled: early });
    const when = formatInstant(store.get().earliestSubmitAt);
    fill(body, verdict(counts(store.get())), early ? h("p", { class: "notice" }, t("{time} 以后才可以交卷，请再检查一遍。", { time: when })) : null,
      ...unfinished(store.get()).map((section) => sectionRow(ctx, section, () => dialog.close())));
    fill(buttons, back(), next);
  }

  function second() {
    const { open } = counts(store.get());
    fill(body, h("p", { class: "confirm-text" }, open ? t("还有 {n} 题未答。交卷后不能再修改答案，确定交卷吗？", { n: open }) : t("交卷后不能再修改答案，确定交卷吗？")));
    const sure = button("button danger large confirm", () => ctx.session.handIn(), t("确定交卷"));
    fill(buttons, back(), sure);
    setText(dialog.element.querySelector("h2"), t("再次确认"));
    dialog.element.querySelector("h2").focus();
    refresh(store.get());
  }

  function refresh(state) {
    if (state.lock !== null || state.hold) return dialog.close();
    setText(note, state.handInError);
    rescue.hidden = !state.handInError || !mayRescue(state);
    const sure = buttons.querySelector(".confirm");
    if (sure) {
      sure.disabled = state.busy;
      setText(sure, state.busy ? t("正在交卷……") : t("确定交卷"));
    }
    return undefined;
  }

  const dialog = openDialog({ title: t("交卷前检查"), name: "hand-in-dialog", body: [body, note, rescue], buttons: [buttons], onClose: () => stop() });
  store.set({ handInError: "" });
  const stop = store.subscribe(refresh);
  first();
}
