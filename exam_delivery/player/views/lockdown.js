/** Shown when the exam needs Safe Exam Browser and this is another one: what to do, in plain words. */
import { h } from "../dom.js";
import { t } from "../i18n.js";
import { frame } from "./before.js";

/** The page that leads to the right browser. */
export function lockdownView(ctx) {
  const { launch } = ctx.store.get();
  const element = frame(ctx, "lockdown", t("请用安全考试浏览器打开"),
    h("p", {}, t("这场考试要在安全考试浏览器（SEB）里作答，现在打开的不是它，或者它的配置不是这一场的。已经作答的内容都在。")),
    h("ol", { class: "rules" }, [
      t("关闭这个页面，用桌面上的考试图标打开；没有图标就按下面的“打开安全考试浏览器”。"),
      t("电脑询问是否允许打开时，选“打开”或“允许”。"),
      t("仍然不行请举手。监考员可以换一台电脑，或者为您办理豁免。"),
    ].map((text) => h("li", {}, text))),
    h("div", { class: "page-buttons" },
      launch ? h("a", { class: "button primary large", href: launch }, t("打开安全考试浏览器")) : null,
      h("button", { type: "button", class: "button large", onclick: () => ctx.session.signOut() }, t("返回登录"))));
  return { element };
}
