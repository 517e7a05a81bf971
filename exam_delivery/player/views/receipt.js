/** After handing in: the receipt, to be printed or copied. */
import { button, facts, fill, h, svg } from "../dom.js";
import { t } from "../i18n.js";
import { formatInstant } from "../clock.js";
import { frame } from "./before.js";
import { answeredAt, counts, personOf, positionOf, sessionOf } from "../selectors.js";
import { insideSeb } from "../seb.js";
import { mayRescue, openRescue } from "./hand_in.js";

/** Break a digest into groups of four so that people can compare it. */
const grouped = (digest) => digest.replace(/(.{4})(?=.)/g, "$1 ");

/** What the code on the receipt says, to be read by any phone and compared. */
function codeText(rows, digest) {
  return [t("考库交卷回执"), ...rows.map(([name, value]) => `${name} ${value}`), digest].join("\n");
}

/** Draw the code; a receipt without it is as good, so nothing is said when it cannot be drawn. */
async function drawCode(place, text, label) {
  try {
    const grid = (await import("../qr.js")).qrModules(text);
    const path = grid.map((row, y) => row.map((dark, x) => (dark ? `M${x + 4} ${y + 4}h1v1h-1z` : "")).join("")).join("");
    const side = grid.length + 8;
    fill(place, svg("svg", { viewBox: `0 0 ${side} ${side}`, role: "img", "aria-label": label }, svg("path", { d: path })));
  } catch (error) {
    place.remove();
  }
}

/** Numbers of the items that were handed in without an answer. */
function openNumbers({ form, answers }) {
  return form ? form.slots.map(({ slot }) => slot).filter((slot) => !answeredAt({ answers }, slot)).map((slot) => positionOf(form, slot)).sort((a, b) => a - b) : [];
}

/** The receipt. */
export function receiptView(ctx) {
  const state = ctx.store.get();
  const { receipt, unsent, form, answers } = state;
  const { name, admission_number: number = receipt.admission_number } = personOf(state);
  const total = form ? counts({ form, answers, marks: {} }).n : null;
  const digest = (receipt.digest || "").replace(/^sha256:/, "");
  const inCode = [[t("准考证号"), number], [t("交卷时间"), formatInstant(receipt.submitted_at, true)]];
  const rows = [
    [t("姓名"), name], inCode[0], [t("考试"), (form && form.title) || sessionOf(state).title],
    [t("收到的答案"), total ? t("{n} 题（共 {total} 题）", { n: receipt.n_answers, total }) : t("{n} 题", { n: receipt.n_answers })],
    [t("没有作答的题"), openNumbers({ form, answers }).join(t("、"))], inCode[1],
    [t("校验码"), h("code", { class: "digest" }, grouped(digest))],
  ];
  const code = h("div", { class: "receipt-code" });
  drawCode(code, codeText(inCode, digest), t("回执二维码，内容是准考证号、交卷时间和校验码"));
  const element = frame(ctx, "receipt", t("已交卷"),
    h("p", { class: "notice success" }, t("您的答案已由服务器收到并封存。请保持安静，听监考员安排离场。")),
    unsent ? h("p", { class: "notice warning", role: "alert" }, t("有 {n} 条答案在收卷前没有传到服务器，仍存在本机。请不要离开，立即举手告诉监考员。", { n: unsent })) : null,
    unsent && mayRescue(state) ? h("p", { class: "no-print" }, button("button primary large", () => openRescue(ctx), t("保存应急文件"))) : null,
    facts(rows, "facts receipt"),
    code,
    h("p", { class: "muted" }, t("校验码由您提交的全部答案算出，可用来核对答案没有被改动。")),
    h("div", { class: "buttons no-print" },
      insideSeb() ? h("a", { class: "button large", href: "?quit" }, t("退出安全考试浏览器"))
        : button("button primary large", () => window.print(), t("打印回执")),
      button("button large", () => ctx.session.signOut(), t("完成，退出"))));
  return { element };
}
