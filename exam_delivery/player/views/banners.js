/** Messages across the top that must be seen: read-only, held, long outage, no storage, more time. */
import { button, fill, h, icon, setText } from "../dom.js";
import { holdText } from "../announce.js";
import { t } from "../i18n.js";
import { mayRescue, openRescue } from "./rescue.js";

const LONG_CUT_MS = 60000;
const EXTENSION_SHOWN_MS = 60000;

const LOCK_TEXTS = {
  taken_over: () => t("您已在另一台电脑或另一个页面继续考试，本页只能查看，不能作答。如果不是您本人操作，请立即举手。"),
  other_tab: () => t("考试已在另一个标签页打开，本页只能查看，不能作答。请到最后打开的那一页继续；如果那一页已关闭，请刷新本页。"),
  closed: () => t("考试已结束，正在取回执，请不要关闭本页。"),
  time_over: () => t("时间到，正在保存并交卷，请不要关闭本页。"),
};

/** How long without the server before the candidate is asked to save a rescue file, in milliseconds. */
function rescueAfter(state) {
  const { rescue_after_seconds: seconds } = (state.form && state.form.conduct) || {};
  return seconds ? seconds * 1000 : LONG_CUT_MS;
}

/** How much is left, to be seen for a while as well as heard; below the items, so that nothing moves under a pointer. */
export function createTimeNote(ctx) {
  const text = h("span", {});
  const element = h("p", { class: "time-note", hidden: true, "aria-hidden": "true" }, icon("clock"), text);
  return {
    element,
    tick() {
      const { timeNote } = ctx.store.get();
      element.hidden = !timeNote || ctx.clock.monotonic() > timeNote.until;
      if (!element.hidden) setText(text, timeNote.text);
    },
  };
}

/** The banners above the exam; one of them offers the rescue file. */
export function createBanner(ctx) {
  const element = h("div", { class: "banners", role: "alert" });
  let shown = "";
  let extension = { of: null, since: 0 };

  function isNews(state) {
    if (state.extension !== extension.of) extension = { of: state.extension, since: ctx.clock.monotonic() };
    return extension.of && ctx.clock.monotonic() - extension.since < EXTENSION_SHOWN_MS;
  }

  const cutFor = (state) => (state.offlineSince === null ? 0 : ctx.clock.monotonic() - state.offlineSince);
  const offers = (state) => cutFor(state) > rescueAfter(state) && mayRescue(state);

  function texts(state) {
    const list = [];
    if (state.lock && !(state.lock === "closed" && state.receipt)) list.push(LOCK_TEXTS[state.lock]());
    if (state.hold && !state.lock) list.push(holdText(state.hold));
    if (state.outside) list.push(t("这里不是本场考试的安全考试浏览器，答案只存在本机。请举手告诉监考员，不要关闭本页。"));
    if (cutFor(state) > LONG_CUT_MS) list.push(t("网络中断超过 1 分钟，请举手告诉监考员。您可以继续作答，请不要关闭本页。"));
    if (!state.durable) list.push(t("本机不能存储答案，请不要刷新或关闭本页，并举手告诉监考员。"));
    if (isNews(state)) list.push(t("考试时间延长了 {n} 分钟。", { n: state.extension.minutes }));
    return list;
  }

  const banner = (...children) => h("p", { class: "banner" }, icon("alert"), children);

  return {
    element,
    tick() {
      const state = ctx.store.get();
      const list = texts(state);
      const key = list.join() + offers(state);
      if (key === shown) return;
      shown = key;
      const offer = offers(state) ? banner(h("span", {}, t("有答案还没有传到服务器。请把答案存成应急文件，交给监考员。")),
        button("button primary", () => openRescue(ctx), t("保存应急文件"))) : null;
      fill(element, ...list.map((text) => banner(h("span", {}, text))), offer);
    },
  };
}
