/** The top of the exam screen: who, how long, connection, hand-in; below it the display tools. */
import { button, fill, h, icon, setAttribute, setText } from "../dom.js";
import { t } from "../i18n.js";
import { formatSpan } from "../clock.js";
import { createBanner } from "./banners.js";
import { openHelp } from "./dialogs.js";
import { openHandIn } from "./hand_in.js";
import { toolNames, toolsOf } from "./toolbox.js";

/** The connection in words, with the number of answers that wait on this computer. */
export function linkText(state) {
  const n = Object.keys(state.pending).length;
  if (state.link === "offline") return state.durable ? t("网络中断，答案已存本机（{n} 条）", { n }) : t("网络中断，答案暂存本页（{n} 条），请勿关闭", { n });
  if (state.link === "busy") return t("服务器繁忙，答案已存本机（{n} 条）", { n });
  return state.link === "slow" ? t("网络较慢，正在保存") : t("网络正常");
}

function segmented(label, options, onChoose) {
  const entries = options.map(([value, text]) => ({ value, element: button("segment", () => onChoose(value), text) }));
  return {
    element: h("div", { class: "segments", role: "group", "aria-label": label }, h("span", { class: "segment-label" }, label), entries.map((e) => e.element)),
    update: (value) => entries.forEach((e) => setAttribute(e.element, "aria-pressed", e.value === value)),
  };
}

function toggle(text, onToggle) {
  const element = button("segment", onToggle, text);
  return { element, update: (on) => setAttribute(element, "aria-pressed", on) };
}

function createTools(ctx) {
  const { store } = ctx;
  const flip = (name) => () => ctx.prefer(name, !store.get().preferences[name]);
  const size = segmented(t("字号"), [["small", t("小")], ["medium", t("中")], ["large", t("大")]], (value) => ctx.prefer("size", value));
  const layout = segmented(t("显示"), [["one", t("逐题")], ["all", t("整卷")]], (value) => ctx.prefer("layout", value));
  const contrast = toggle(t("高对比度"), flip("contrast"));
  const panel = toggle(t("题号栏"), flip("panel"));
  const help = button("segment", () => openHelp(ctx), t("帮助"));
  const names = toolNames();
  const tools = toolsOf(store.get().form).map((name) => {
    const own = toggle(names[name], () => ctx.prefer("tool", store.get().preferences.tool === name ? "" : name));
    own.element.setAttribute("aria-controls", "tool");
    return { name, ...own };
  });
  const other = store.get().preferences.language === "en" ? "zh-Hans" : "en";
  const language = button("segment", () => ctx.prefer("language", other), other === "en" ? "English" : "中文");
  return {
    element: h("section", { class: "tools", "aria-label": t("显示设置") }, size.element, layout.element, contrast.element, panel.element, tools.map((tool) => tool.element), help, language),
    update({ preferences }) {
      size.update(preferences.size);
      layout.update(preferences.layout);
      contrast.update(preferences.contrast);
      panel.update(preferences.panel);
      tools.forEach((tool) => tool.update(preferences.tool === tool.name));
    },
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

/** The whole top area. */
export function createTopbar(ctx) {
  const { form, signIn } = ctx.store.get();
  const person = form.candidate || signIn.candidate || {};
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
