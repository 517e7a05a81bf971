/** The way to the exam: sign-in, own data, rules, guide, pledge. */
import { button, facts, h, heard, icon, sentences, setText, tickBox } from "../dom.js";
import { t } from "../i18n.js";
import { personOf, sessionOf } from "../selectors.js";
import { guideTexts, signInForm } from "./dialogs.js";
import { renderChoice } from "../interactions/choice.js";

const STEPS = ["sign_in", "check", "rules", "guide", "pledge", "waiting"];
const stepNames = () => [t("登录"), t("核对信息"), t("考场规则"), t("操作指南"), t("考生承诺"), t("等候开考")];

function stepper(phase) {
  const now = STEPS.indexOf(phase);
  return h("ol", { class: "steps", "aria-label": t("进入考试的步骤") }, stepNames().map((name, index) => {
    const [done, current] = [index < now, index === now];
    return h("li", { class: current ? "step now" : "step", "aria-current": current ? "step" : null },
      h("span", { class: "step-mark", "aria-hidden": "true" }, done ? icon("check") : index + 1), name,
      done && heard(t("（已完成）")));
  }));
}

/** The button that shows everything in the other language. */
export function languageButton(ctx, kind) {
  const other = ctx.store.get().preferences.language === "en" ? "zh-Hans" : "en";
  return button(kind, () => ctx.prefer("language", other), other === "en" ? "English" : "中文", { lang: other });
}

/** The frame of every page before and after the exam. */
export function frame(ctx, phase, title, ...children) {
  const heading = h("h1", { tabIndex: -1 }, title);
  return h("div", { class: "before" },
    h("header", { class: "plain-bar" }, h("span", { class: "brand" }, t("职业技能考试")),
      h("span", { class: "session-name" }, sessionOf(ctx.store.get()).title), languageButton(ctx, "link")),
    STEPS.includes(phase) ? h("nav", { "aria-label": t("步骤") }, stepper(phase)) : null,
    h("main", { class: "page" }, heading, children));
}

const buttons = (...children) => h("div", { class: "buttons" }, children);
const primary = (text, onClick) => button("button primary large", onClick, text);
const secondary = (text, onClick) => button("button large", onClick, text);

/** A page between sign-in and waiting: the way on and the way back below it. */
function stepView(ctx, phase, title, onText, ...children) {
  const go = (by) => () => ctx.session.go(STEPS[STEPS.indexOf(phase) + by]);
  const next = primary(onText, go(1));
  return { next, element: frame(ctx, phase, title, ...children, buttons(next, secondary(t("上一步"), go(-1)))) };
}

/** Sign-in page. */
export function signInView(ctx) {
  const form = signInForm(t("登录"), ctx.session.signIn);
  const element = frame(ctx, "sign_in", t("考生登录"),
    h("p", {}, t("请对照准考证和身份证填写。不会打字请举手，监考员会帮助您。")),
    form.element,
    h("p", {}, h("a", { class: "link", href: "practice/" }, t("第一次用电脑考试？先练习一下（不计分）"))),
    h("p", { class: "hint" }, h("a", { class: "link", href: "/room-check/" }, t("技术人员：检查这台考试机"))));
  return {
    element,
    focus: form.focus,
    update({ busy, message }) {
      form.submit.disabled = busy;
      setText(form.submit, busy ? t("正在登录……") : t("登录"));
      setText(form.error, message);
    },
  };
}

/** Own data, to be confirmed. */
export function checkView(ctx) {
  const candidate = personOf(ctx.store.get());
  const session = sessionOf(ctx.store.get());
  const rows = [
    [t("姓名"), candidate.name], [t("准考证号"), candidate.admission_number], [t("考场"), candidate.room], [t("座位号"), candidate.seat],
    [t("考试"), session.title], [t("场次"), session.name],
    [t("时长"), session.duration_seconds ? t("{n} 分钟", { n: Math.round(session.duration_seconds / 60) }) : ""],
  ];
  const wrong = h("p", { class: "notice warning", role: "alert", hidden: true }, t("请举手告诉监考员哪一项不对，先不要继续。"));
  const element = frame(ctx, "check", t("请核对您的信息"),
    facts(rows),
    wrong,
    buttons(primary(t("信息正确，继续"), () => ctx.session.go("rules")), secondary(t("信息有误"), () => {
      wrong.hidden = false;
    }), button("link", () => ctx.session.signOut(), t("不是我，返回登录"))));
  return { element };
}

/** Rules of the room. */
export const rulesView = (ctx) => stepView(ctx, "rules", t("考场规则"), t("我已阅读，继续"), sentences(sessionOf(ctx.store.get()).rules || []));

/** One item to try the controls with; nothing of it is sent or kept. */
export function createPractice() {
  const state = h("p", { class: "practice-state", role: "status" }, t("未作答"));
  const slot = {
    slot: 0, section: 0, type: "single_choice", interaction: "choice", stem: "", multiple: false,
    choices: [{ id: "a", content: t("红色") }, { id: "b", content: t("绿色") }, { id: "c", content: t("蓝色") }],
  };
  const control = renderChoice({ slot, id: "practice", onChange: () => setText(state, t("做对了：这样就是作答，可以随时改。")) });
  return h("section", { class: "practice", "aria-labelledby": "practice-heading" },
    h("h2", { id: "practice-heading" }, t("试一试（不计分）")),
    h("fieldset", {}, h("legend", {}, t("您喜欢哪种颜色？请点一个选项。")), control.element), state);
}

/** How the exam screen works, with one item to try. */
export const guideView = (ctx) => stepView(ctx, "guide", t("操作指南"), t("我会操作了，继续"), sentences(guideTexts()), createPractice());

/** The pledge, confirmed by a tick. */
export function pledgeView(ctx) {
  const view = stepView(ctx, "pledge", t("考生承诺"), t("进入等候"),
    h("blockquote", { class: "pledge" }, sessionOf(ctx.store.get()).pledge || t("我承诺诚信考试，遵守考场规则，独立完成作答。")),
    tickBox(t("我已阅读并承诺遵守"), "check card", false, (ticked) => {
      view.next.disabled = !ticked;
    }),
    h("p", { class: "hint" }, t("先在方框内打勾，再按“进入等候”。")));
  view.next.disabled = true;
  return view;
}

/** Shown when the exam needs Safe Exam Browser and this is another one: what to do, in plain words. */
export function lockdownView(ctx) {
  const { launch } = ctx.store.get();
  const element = frame(ctx, "lockdown", t("请用安全考试浏览器打开"),
    h("p", {}, t("这场考试要在安全考试浏览器（SEB）里作答，现在打开的不是它，或者它的配置不是这一场的。已经作答的内容都在。")),
    sentences([
      t("关闭这个页面，用桌面上的考试图标打开；没有图标就按下面的“打开安全考试浏览器”。"),
      t("电脑询问是否允许打开时，选“打开”或“允许”。"),
      t("仍然不行请举手。监考员可以换一台电脑，或者为您办理豁免。"),
    ]),
    buttons(launch ? h("a", { class: "button primary large", href: launch }, t("打开安全考试浏览器")) : null,
      secondary(t("返回登录"), () => ctx.session.signOut())));
  return { element };
}
