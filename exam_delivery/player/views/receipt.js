/** After handing in: the receipt, to be printed or copied. */
import { h } from "../dom.js";
import { t } from "../i18n.js";
import { formatInstant } from "../clock.js";
import { frame } from "./before.js";
import { counts } from "../selectors.js";
import { insideSeb } from "../seb.js";
import { mayRescue, openRescue } from "./rescue.js";

/** Break a digest into groups of four so that people can compare it. */
export const grouped = (digest) => (digest || "").replace(/^sha256:/, "").replace(/(.{4})(?=.)/g, "$1 ");

/** The receipt. */
export function receiptView(ctx) {
  const { receipt, unsent, form, signIn, answers } = ctx.store.get();
  const person = (form && form.candidate) || (signIn && signIn.candidate) || {};
  const session = (signIn && signIn.session) || {};
  const total = form ? counts({ form, answers, marks: {} }).n : null;
  const rows = [
    [t("姓名"), person.name], [t("准考证号"), receipt.admission_number || person.admission_number], [t("考试"), (form && form.title) || session.title],
    [t("收到的答案"), total ? t("{n} 题（共 {total} 题）", { n: receipt.n_answers, total }) : t("{n} 题", { n: receipt.n_answers })],
    [t("交卷时间"), formatInstant(receipt.submitted_at, true)],
  ].filter(([, value]) => value);
  const element = frame(ctx, "receipt", t("已交卷"),
    h("p", { class: "notice success" }, t("您的答案已由服务器收到并封存。请保持安静，听监考员安排离场。")),
    unsent ? h("p", { class: "notice warning", role: "alert" }, t("有 {n} 条答案在收卷前没有传到服务器，仍存在本机。请不要离开，立即举手告诉监考员。", { n: unsent })) : null,
    unsent && mayRescue(ctx.store.get()) ? h("p", { class: "no-print" }, h("button", { type: "button", class: "button primary large", onclick: () => openRescue(ctx) }, t("保存应急文件"))) : null,
    h("dl", { class: "facts receipt" }, rows.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))),
      h("div", {}, h("dt", {}, t("校验码")), h("dd", {}, h("code", { class: "digest" }, grouped(receipt.digest))))),
    h("p", { class: "muted" }, t("校验码由您提交的全部答案算出，可用来核对答案没有被改动。")),
    h("div", { class: "page-buttons no-print" }, h("button", { type: "button", class: "button primary large", onclick: () => window.print() }, t("打印回执")),
      insideSeb() ? h("a", { class: "button large", href: "?quit" }, t("退出安全考试浏览器")) : null,
      h("button", { type: "button", class: "button large", onclick: () => ctx.session.signOut() }, t("完成，退出"))));
  return { element };
}
