/** Which interaction is drawn by what, and what the candidate is told to do. */
import { renderChoice, renderMatch, renderOrder, renderTrueFalse } from "./choice.js";
import { renderExtendedText, renderNumber, renderTextEntry } from "./text.js";
import { renderHotspot } from "./hotspot.js";
import { t } from "../i18n.js";

const RENDERERS = {
  choice: renderChoice, true_false: renderTrueFalse, text_entry: renderTextEntry, number: renderNumber,
  order: renderOrder, match: renderMatch, extended_text: renderExtendedText,
  hotspot: renderHotspot,
};

/** Build the control of a slot: `{element, set(response), choose?(index)}`. An unknown interaction gets a text field. */
export function renderInteraction(options) {
  return (RENDERERS[options.slot.interaction] || renderExtendedText)(options);
}

/** Name of the kind of item, unless the server gives one. */
export function kindOf(slot) {
  const names = {
    choice: slot.multiple ? t("多选题") : t("单选题"), true_false: t("判断题"), text_entry: t("填空题"), number: t("计算题"),
    order: t("排序题"), match: t("配对题"), extended_text: t("简答题"), hotspot: t("图片热区题"),
  };
  return slot.type_label || names[slot.interaction] || "";
}

/** One short sentence on how to answer. */
export function howTo(slot) {
  const texts = {
    choice: slot.multiple ? t("请选出所有正确的答案，可以选多项。") : t("请选出一个正确的答案。"),
    true_false: t("请判断这句话是正确还是错误。"), text_entry: t("请在空格内填写答案。"), number: t("请填写数字。"),
    order: t("请用上下按钮排出正确的顺序。"), match: t("请为左边每一项选择对应的内容。"), extended_text: t("请用文字作答。"),
    hotspot: slot.hotspot && slot.hotspot.mode === "point" ? t("请在图上点出位置，也可以用方向键移动十字线，按回车确定。") : t("请在图上或列表中选出正确的区域。"),
  };
  return texts[slot.interaction] || "";
}
