/** Calculator and scratch pad; loaded for sessions that allow them. */
import { compute } from "../arithmetic.js";
import { button, h, setText } from "../dom.js";
import { t } from "../i18n.js";

const KEYS = ["C", "⌫", "(", ")", "7", "8", "9", "÷", "4", "5", "6", "×", "1", "2", "3", "-", "0", ".", "π", "+", "√", "²", "%", "="];
const LONGEST = 80;
const SAVE_MS = 400;

function keyLabel(key) {
  const names = { C: t("C 清除算式"), "⌫": t("删去一位"), "÷": t("除以"), "×": t("乘以"), "-": t("减"), "+": t("加"), "√": t("根号"), "²": t("x² 平方"), "%": t("百分号"), "=": t("等于"), π: t("圆周率") };
  return names[key] || null;
}

function problem(error) {
  const texts = { zero: t("除数不能是 0。"), root: t("负数没有平方根。") };
  return texts[error.code] || t("算式不完整，请检查括号和符号。");
}

/** The calculator: type the expression or press keys; Enter or = computes exactly. */
function createCalculator() {
  const result = h("output", { class: "calculator-result", role: "status", htmlFor: "calculator-text" });
  const text = h("input", {
    type: "text", id: "calculator-text", class: "calculator-text", inputmode: "none", autocomplete: "off", spellcheck: "false", maxlength: LONGEST,
    onkeydown(event) {
      if (event.key !== "Enter" && event.key !== "=") return;
      event.preventDefault();
      equals();
    },
  });

  function equals() {
    if (!text.value.trim()) return setText(result, "");
    try {
      return setText(result, `= ${compute(text.value)}`);
    } catch (error) {
      if (!error.code) throw error;
      return setText(result, problem(error));
    }
  }

  const acts = {
    C() {
      text.value = "";
      setText(result, "");
    },
    "⌫": () => {
      text.value = text.value.slice(0, -1);
    },
    "=": equals,
  };

  function press(key) {
    if (acts[key]) acts[key]();
    else if (text.value.length < LONGEST) text.value += key;
  }

  const keys = KEYS.map((key) => button(`button key${key === "=" ? " primary" : ""}`, () => press(key), key === "²" ? "x²" : key, { "aria-label": keyLabel(key) }));
  return h("div", { class: "calculator" }, h("label", { htmlFor: "calculator-text" }, t("算式")), text, result, h("div", { class: "calculator-keys", role: "group", "aria-label": t("计算器按键") }, keys));
}

/** The scratch pad: kept on this computer only, gone at hand-in. */
function createScratch(ctx) {
  let timer = null;
  const area = h("textarea", {
    id: "scratch-text", class: "scratch-text", rows: 12, maxlength: 20000, spellcheck: "false",
    oninput() {
      clearTimeout(timer);
      timer = setTimeout(() => ctx.session.outbox() && ctx.session.outbox().keep("scratch", 0, area.value), SAVE_MS);
    },
  });
  ctx.session.outbox().kept("scratch").then((found) => {
    if (found.length && !area.value) [area.value] = found;
  });
  return h("div", {}, h("label", { htmlFor: "scratch-text" }, t("草稿（不计入答案）")), area, h("p", { class: "hint" }, t("只存在这台电脑，监考员和阅卷员看不到，交卷后清除。")));
}

/** What opens by the name of a tool. */
export const TOOLS = { calculator: createCalculator, scratch: createScratch };
