/** The way to the exam: sign-in, own data, rules, guide, pledge. */
import { h, icon } from "../dom.js";
import { t } from "../i18n.js";
import { signInFields } from "./dialogs.js";
import { createPractice } from "./practice.js";

const STEPS = ["sign_in", "check", "rules", "guide", "pledge", "waiting"];
const stepNames = () => [t("登录"), t("核对信息"), t("考场规则"), t("操作指南"), t("考生承诺"), t("等候开考")];

function stepper(phase) {
  const now = STEPS.indexOf(phase);
  return h("ol", { class: "steps", "aria-label": t("进入考试的步骤") }, stepNames().map((name, index) => {
    const state = index < now ? "done" : index === now ? "now" : "later";
    return h("li", { class: `step ${state}`, "aria-current": state === "now" ? "step" : null },
      h("span", { class: "step-mark", "aria-hidden": "true" }, state === "done" ? icon("check") : String(index + 1)), name,
      state === "done" ? h("span", { class: "visually-hidden" }, t("（已完成）")) : null);
  }));
}

/** The frame of every page before and after the exam. */
export function frame(ctx, phase, title, ...children) {
  const { signIn, preferences } = ctx.store.get();
  const other = preferences.language === "en" ? "zh-Hans" : "en";
  const heading = h("h1", { tabIndex: -1 }, title);
  return h("div", { class: "before" },
    h("header", { class: "plain-bar" }, h("span", { class: "brand" }, t("职业技能考试")),
      h("span", { class: "session-name" }, signIn && signIn.session ? signIn.session.title : ""),
      h("button", { type: "button", class: "link", lang: other, onclick: () => ctx.prefer("language", other) }, other === "en" ? "English" : "中文")),
    STEPS.includes(phase) ? h("nav", { "aria-label": t("步骤") }, stepper(phase)) : null,
    h("main", { class: "page" }, heading, children));
}

function buttons(...children) {
  return h("div", { class: "page-buttons" }, children);
}

const primary = (text, onClick, props = {}) => h("button", { type: "button", class: "button primary large", onclick: onClick, ...props }, text);
const secondary = (text, onClick) => h("button", { type: "button", class: "button large", onclick: onClick }, text);

/** Sign-in page. */
export function signInView(ctx) {
  const form = signInFields(null);
  const error = h("p", { class: "error", role: "alert" });
  const button = h("button", { type: "submit", class: "button primary large" }, t("登录"));
  const element = frame(ctx, "sign_in", t("考生登录"),
    h("p", {}, t("请对照准考证和身份证填写。不会打字请举手，监考员会帮助您。")),
    h("form", {
      class: "sign-in-form", autocomplete: "off",
      onsubmit(event) {
        event.preventDefault();
        ctx.session.signIn(form.admission.value.trim(), form.identity.value.trim());
      },
    }, form.fields, error, button),
    h("p", {}, h("a", { class: "link", href: "practice/" }, t("第一次用电脑考试？先练习一下（不计分）"))),
    h("p", { class: "hint" }, h("a", { class: "link", href: "/room-check/" }, t("技术人员：检查这台考试机"))));
  return {
    element,
    focus: () => form.admission.focus(),
    update(state) {
      button.disabled = state.busy;
      button.textContent = state.busy ? t("正在登录……") : t("登录");
      if (error.textContent !== state.message) error.textContent = state.message;
    },
  };
}

/** Own data, to be confirmed. */
export function checkView(ctx) {
  const { signIn } = ctx.store.get();
  const candidate = signIn.candidate || {};
  const session = signIn.session || {};
  const rows = [
    [t("姓名"), candidate.name], [t("准考证号"), candidate.admission_number], [t("考场"), candidate.room], [t("座位号"), candidate.seat],
    [t("考试"), session.title], [t("场次"), session.name],
    [t("时长"), session.duration_seconds ? t("{n} 分钟", { n: Math.round(session.duration_seconds / 60) }) : ""],
  ].filter(([, value]) => value);
  const wrong = h("p", { class: "notice warning", role: "alert", hidden: true }, t("请举手告诉监考员哪一项不对，先不要继续。"));
  const element = frame(ctx, "check", t("请核对您的信息"),
    h("dl", { class: "facts" }, rows.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value)))),
    wrong,
    buttons(primary(t("信息正确，继续"), () => ctx.session.go("rules")), secondary(t("信息有误"), () => {
      wrong.hidden = false;
    }), h("button", { type: "button", class: "link", onclick: () => ctx.session.signOut() }, t("不是我，返回登录"))));
  return { element };
}

/** Rules of the room. */
export function rulesView(ctx) {
  const { rules = [] } = ctx.store.get().signIn.session || {};
  const element = frame(ctx, "rules", t("考场规则"),
    h("ol", { class: "rules" }, rules.map((rule) => h("li", {}, rule))),
    buttons(primary(t("我已阅读，继续"), () => ctx.session.go("guide")), secondary(t("上一步"), () => ctx.session.go("check"))));
  return { element };
}

/** How the exam screen works, with one item to try. */
export function guideView(ctx) {
  const points = [
    t("点一下选项就是作答，再点别的选项可以改。答案会自动保存，不用按保存。"),
    t("左边是题号：空白框是未答，蓝色实心是已答，右上角有小旗是标记。点题号可以跳到那一题。"),
    t("下面有“上一题”“标记”“下一题”三个按钮。拿不准的题先标记，交卷前再看。"),
    t("上面显示剩余时间和网络状态。断网也可以继续作答，答案先存在本机。"),
    t("字看不清，按上面的“字号”或“高对比度”；忘了怎么操作，按“帮助”。"),
    t("做完后按右上角“交卷”。时间到了系统会自动交卷。"),
  ];
  const element = frame(ctx, "guide", t("操作指南"), h("ol", { class: "rules" }, points.map((text) => h("li", {}, text))),
    createPractice(),
    buttons(primary(t("我会操作了，继续"), () => ctx.session.go("pledge")), secondary(t("上一步"), () => ctx.session.go("rules"))));
  return { element };
}

/** The pledge, confirmed by a tick. */
export function pledgeView(ctx) {
  const session = ctx.store.get().signIn.session || {};
  const next = primary(t("进入等候"), () => ctx.session.go("waiting"), { disabled: true });
  const box = h("input", {
    type: "checkbox",
    onchange: () => {
      next.disabled = !box.checked;
    },
  });
  const hint = h("p", { class: "hint" }, t("先在方框内打勾，再按“进入等候”。"));
  const element = frame(ctx, "pledge", t("考生承诺"),
    h("blockquote", { class: "pledge" }, session.pledge || t("我承诺诚信考试，遵守考场规则，独立完成作答。")),
    h("label", { class: "check card" }, box, t("我已阅读并承诺遵守")), hint,
    buttons(next, secondary(t("上一步"), () => ctx.session.go("guide"))));
  return { element };
}
