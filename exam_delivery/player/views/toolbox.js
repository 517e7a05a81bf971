/** The place beside the items where an allowed tool opens; the tools themselves are loaded for sessions that have some. */
import { button, fill, h, setText } from "../dom.js";
import { t } from "../i18n.js";

/** The tools there are: name in the form, words for people. */
export const toolNames = () => ({ calculator: t("计算器"), scratch: t("草稿纸") });

/** The tools that a form allows and this player knows. */
export const toolsOf = (form) => (form.tools || []).filter((name) => toolNames()[name]);

/** The place of the open tool. */
export function createToolbox(ctx) {
  const made = {};
  let shown = "";
  const body = h("div", {});
  const heading = h("h2", { class: "tool-title", id: "tool-title" });
  const close = button("button small", () => ctx.prefer("tool", ""), t("收起"));
  const element = h("aside", { class: "tool", id: "tool", "aria-labelledby": "tool-title", hidden: true }, h("div", { class: "tool-head" }, heading, close), body);
  const load = () => import("./tools.js");
  if (toolsOf(ctx.store.get().form).length) load().catch(() => null);

  async function open(name) {
    try {
      made[name] = made[name] || (await load()).TOOLS[name](ctx);
    } catch (error) {
      fill(body, h("p", { class: "error" }, t("没有打开，请收起后再按一次。")));
      return;
    }
    if (shown !== name) return;
    fill(body, made[name]);
    made[name].querySelector("input, textarea").focus();
  }

  return {
    element,
    update({ preferences, form }) {
      const wanted = toolsOf(form).includes(preferences.tool) ? preferences.tool : "";
      if (wanted === shown) return;
      shown = wanted;
      element.hidden = !wanted;
      if (!wanted) return;
      setText(heading, toolNames()[wanted]);
      fill(body);
      open(wanted);
    },
  };
}
