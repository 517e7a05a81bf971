/** The top of the exam screen: who, how long, connection, hand-in; below it the display tools and what must be seen at once. */
import { button, fill, h, icon, setAttribute, setText } from "../dom.js";
import { holdText } from "../announce.js";
import { formatSpan } from "../clock.js";
import { t } from "../i18n.js";
import { personOf } from "../selectors.js";
import { languageButton } from "./before.js";
import { openHelp } from "./dialogs.js";
import { mayRescue, openHandIn, openRescue } from "./hand_in.js";
import { toolNames, toolsOf } from "./toolbox.js";

const LONG_CUT_MS = 60000;
const EXTENSION_SHOWN_MS = 60000;

const LOCK_TEXTS = {
  taken_over: () => t("您已在另一台电脑或另一个页面继续考试，本页只能查看，不能作答。如果不是您本人操作，请立即举手。"),
  other_tab: () => t("考试已在另一个标签页打开，本页只能查看，不能作答。请到最后打开的那一页继续；如果那一页已关闭，请刷新本页。"),
  closed: () => t("考试已结束，正在取回执，请不要关闭本页。"),
  time_over: () => t("时间到，正在保存并交卷，请不要关闭本页。"),
};

/** The connection in words, with the number of answers that wait on this computer. */
export function linkText(state) {
  const n = Object.keys(state.pending).length;
  if (state.link === "offline") return state.durable ? t("网络中断，答案已存本机（{n} 条）", { n }) : t("网络中断，答案暂存本页（{n} 条），请勿关闭", { n });
  if (state.link === "busy") return t("服务器繁忙，答案已存本机（{n} 条）", { n });
  return state.link === "slow" ? t("网络较慢，正在保存") : t("网络正常");
}

/** A button that is pressed while a preference has its value; pressing it then takes up the other one, where there is one. */
function option(ctx, name, value, text, other = value) {
  const isOn = (preferences) => preferences[name] === value;
  const element = button("segment", () => ctx.prefer(name, isOn(ctx.store.get().preferences) ? other : value), text);
  return { element, update: (preferences) => setAttribute(element, "aria-pressed", isOn(preferences)) };
}

function segmented(ctx, name, label, values) {
  const options = values.map(([value, text]) => option(ctx, name, value, text));
  return {
    element: h("div", { class: "segments", role: "group", "aria-label": label }, h("span", { class: "segment-label" }, label), options.map(({ element }) => element)),
    update: (preferences) => options.forEach(({ update }) => update(preferences)),
  };
}

function createTools(ctx) {
  const names = toolNames();
  const tools = toolsOf(ctx.store.get().form).map((name) => option(ctx, "tool", name, names[name], ""));
  tools.forEach(({ element }) => element.setAttribute("aria-controls", "tool"));
  const controls = [
    segmented(ctx, "size", t("字号"), [["small", t("小")], ["medium", t("中")], ["large", t("大")]]),
    segmented(ctx, "layout", t("显示"), [["one", t("逐题")], ["all", t("整卷")]]),
    option(ctx, "contrast", true, t("高对比度"), false), option(ctx, "panel", true, t("题号栏"), false), ...tools,
  ];
  return {
    element: h("section", { class: "tools", "aria-label": t("显示设置") }, controls.map(({ element }) => element),
      button("segment", () => openHelp(ctx), t("帮助")), languageButton(ctx, "segment")),
    update: ({ preferences }) => controls.forEach(({ update }) => update(preferences)),
  };
}

function createTimer(ctx) {
  const { store, clock } = ctx;
  const value = h("span", { class: "timer-value", role: "timer", "aria-label": t("剩余时间") });
  const fold = button("link", () => ctx.prefer("timer", !store.get().preferences.timer), []);
  const element = h("div", { class: "timer" }, icon("clock"), h("span", { class: "timer-label" }, t("剩余时间")), value, fold);
  return {
    element,
    tick() {
      const { deadlineAt, hold } = store.get();
      if (hold && hold.kind === "paused" && value.textContent) return;
      const left = clock.until(deadlineAt);
      const shown = store.get().preferences.timer || (left !== null && left <= 60000);
      setText(value, !shown ? t("已隐藏") : left === null ? "--:--" : formatSpan(left));
      setText(fold, shown ? t("隐藏时间") : t("显示时间"));
      const urgent = left === null || left > 600000 ? "" : left > 300000 ? "soon" : "last";
      setAttribute(element, "data-urgent", urgent || null);
    },
  };
}

function createLink() {
  const text = h("span", {});
  const element = h("div", { class: "link-state" });
  let shown = "";
  return {
    element,
    update(state) {
      const wanted = `${state.link}${linkText(state)}`;
      if (wanted === shown) return;
      shown = wanted;
      element.className = `link-state link-${state.link}`;
      setText(text, linkText(state));
      fill(element, icon(state.link === "online" ? "link" : state.link === "slow" ? "clock" : "cut"), text);
    },
  };
}

/** How long without the server before the candidate is asked to save a rescue file, in milliseconds. */
function rescueAfter(state) {
  const { rescue_after_seconds: seconds } = (state.form && state.form.conduct) || {};
  return seconds ? seconds * 1000 : LONG_CUT_MS;
}

/** The banners above the exam; one of them offers the rescue file. */
function createBanner(ctx) {
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

/** The whole top area. */
export function createTopbar(ctx) {
  const { form } = ctx.store.get();
  const person = personOf(ctx.store.get());
  const timer = createTimer(ctx);
  const link = createLink();
  const tools = createTools(ctx);
  const banner = createBanner(ctx);
  const submit = button("button primary hand-in", () => openHandIn(ctx), t("交卷"));
  const identity = [person.name, person.admission_number, person.seat ? t("座位 {seat}", { seat: person.seat }) : ""].filter(Boolean);
  const element = h("header", { class: "topbar" },
    h("div", { class: "topbar-main" },
      h("div", { class: "who" }, h("h1", { class: "exam-title" }, form.title), h("p", { class: "person" }, identity.map((text) => h("span", {}, text)))),
      link.element, timer.element, submit));
  return {
    element,
    below: [tools.element, banner.element],
    update(state) {
      link.update(state);
      tools.update(state);
      submit.disabled = state.lock !== null || Boolean(state.hold);
      banner.tick();
    },
    tick() {
      timer.tick();
      banner.tick();
    },
  };
}
