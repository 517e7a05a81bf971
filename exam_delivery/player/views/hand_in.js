/** How answers leave this page: handing in, after a look at what is open and a second question; or a rescue file, while the server is away. */
import { button, fill, h, sentences, setText } from "../dom.js";
import { t } from "../i18n.js";
import { formatInstant } from "../clock.js";
import { counts, positionOf, unfinished } from "../selectors.js";
import { rescueText, saveFile } from "../rescue.js";
import { closeButton, openDialog } from "./dialogs.js";

const TICK_MS = 1000;

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

/** Why handing in is not possible at this moment, in words; empty when it is. Whoever consents, in the last minutes, hands in for the candidate. */
function obstacle({ store, clock }) {
  const { earliestSubmitAt, deadlineAt, form } = store.get();
  if (clock.until(earliestSubmitAt) > 0) return t("{time} 以后才可以交卷，请再检查一遍。", { time: formatInstant(earliestSubmitAt) });
  const minutes = form.conduct ? form.conduct.consent_seconds / 60 : 0;
  const left = clock.until(deadlineAt);
  return left > 0 && left <= minutes * 60000 ? t("考试结束前 {n} 分钟内交卷须经监考员同意：请举手，由监考员收卷；不举手就继续检查，时间到了自动交卷。", { n: minutes }) : "";
}

/** Ask what is left, then once more, then hand in. */
export function openHandIn(ctx) {
  const { store } = ctx;
  if (store.get().lock !== null || store.get().hold || document.querySelector("dialog.hand-in-dialog")) return;
  const body = h("div", {});
  const note = h("p", { class: "error", role: "alert" });
  const rescue = button("button large", () => openRescue(ctx), t("保存应急文件"), { hidden: true });
  const sure = button("button danger large confirm", () => ctx.session.handIn(), t("确定交卷"));
  let why = obstacle(ctx);

  function ask(title, content, next) {
    fill(body, ...content);
    fill(dialog.buttons, button("button large", dialog.close, t("返回继续作答")), next);
    setText(dialog.heading, title);
    dialog.heading.focus();
  }

  function first() {
    ask(t("交卷前检查"), [why && h("p", { class: "notice warning", role: "status" }, why), verdict(counts(store.get())),
      ...unfinished(store.get()).map((section) => sectionRow(ctx, section, dialog.close))],
    button("button primary large", second, t("交卷"), { disabled: Boolean(why) }));
  }

  function second() {
    const { open } = counts(store.get());
    ask(t("再次确认"), [h("p", { class: "confirm-text" }, open ? t("还有 {n} 题未答。交卷后不能再修改答案，确定交卷吗？", { n: open }) : t("交卷后不能再修改答案，确定交卷吗？"))], sure);
  }

  /** What stands in the way comes and goes with the time, and with more time. */
  function refresh() {
    const { lock, hold, busy, handInError } = store.get();
    if (lock !== null || hold) return dialog.close();
    const now = obstacle(ctx);
    if (!busy && now !== why) {
      why = now;
      first();
    }
    setText(note, why ? "" : handInError);
    rescue.hidden = !handInError || !mayRescue(store.get());
    sure.disabled = busy;
    return setText(sure, busy ? t("正在交卷……") : t("确定交卷"));
  }

  const dialog = openDialog({ title: t("交卷前检查"), name: "hand-in-dialog", body: [body, note, rescue], onClose() {
    stop();
    clearInterval(ticking);
  } });
  store.set({ handInError: "" });
  const stop = store.subscribe(refresh);
  const ticking = setInterval(refresh, TICK_MS);
  first();
}

/** @returns {boolean} whether there is something to save, and the key to seal it with */
export function mayRescue(state) {
  return Boolean(state.signIn && state.signIn.rescue && (state.kept.length || Object.keys(state.pending).length || Object.keys(state.refused).length));
}

/** Seal what the server does not have and let the browser save it; returns the file's name and the number of answers. */
async function save(ctx) {
  const { signIn } = ctx.store.get();
  const events = await ctx.session.unsent();
  const now = ctx.clock.now();
  const madeAt = now === null ? "" : new Date(now).toISOString();
  const number = (signIn.candidate && signIn.candidate.admission_number) || signIn.attempt_id.slice(0, 8);
  const name = `${t("考库应急文件")}-${number}-${(formatInstant(madeAt) || "0000").replace(":", "")}.kaoku`;
  if (ctx.leaving) ctx.leaving.excuse();
  saveFile(rescueText({ attempt: signIn.attempt_id, rescue: signIn.rescue, events, madeAt }), name);
  return { name, n: events.length };
}

/** Explain, save, and say what to do with the file. */
export function openRescue(ctx) {
  const result = h("p", { role: "status", class: "rescue-result" });
  const saving = button("button primary large", async () => {
    const { name, n } = await save(ctx);
    result.className = "rescue-result notice";
    setText(result, t("{n} 条答案已交给浏览器保存，文件名：{name}。请举手，把文件交给监考员。之后又作答的，可以再存一次。", { n, name }));
    setText(saving, t("再存一次"));
  }, t("保存文件"));
  openDialog({
    name: "rescue", title: t("保存应急文件"),
    body: [
      sentences([t("请先举手，告诉监考员网络没有恢复。"), t("按下面的“保存文件”。如果浏览器询问存到哪里，直接按“保存”。"),
        t("监考员用 U 盘取走文件，导入后答案就到了服务器。")]),
      h("p", {}, t("文件已加密，只有考试服务器能读。答案也还在本机，您可以继续作答，网络恢复后会自动上传。")),
      h("p", { class: "muted" }, t("按了以后什么也没有出现？考试专用浏览器可能不允许保存文件，请举手，监考员知道怎么办。")), result,
    ],
    buttons: [saving, closeButton(t("关闭"))],
  });
}
