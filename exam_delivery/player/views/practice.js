/** One item to try the controls with; nothing of it is sent or kept. */
import { h, setText } from "../dom.js";
import { t } from "../i18n.js";
import { renderChoice } from "../interactions/choice.js";

/** A small box with a choice item and a mark button. */
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
