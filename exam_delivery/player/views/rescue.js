/** The dialog that saves a rescue file, in plain words for people who rarely save files. */
import { button, h, sentences, setText } from "../dom.js";
import { t } from "../i18n.js";
import { formatInstant } from "../clock.js";
import { newest, rescueText, saveFile } from "../rescue.js";
import { closeButton, openDialog } from "./dialogs.js";

/** @returns {boolean} whether there is something to save, and the key to seal it with */
export function mayRescue(state) {
  return Boolean(state.signIn && state.signIn.rescue && (state.kept.length || Object.keys(state.pending).length || Object.keys(state.refused).length));
}

async function unsent(ctx) {
  const [box, sync] = [ctx.session.outbox(), ctx.session.sync()];
  return newest(ctx.store.get().kept, box ? await box.events() : [], sync ? sync.unsent() : []);
}

/** Seal what the server does not have and let the browser save it; returns the file's name and the number of answers. */
async function save(ctx) {
  const { signIn } = ctx.store.get();
  const events = await unsent(ctx);
  const now = ctx.clock.now();
  const madeAt = now === null ? "" : new Date(now).toISOString();
  const number = (signIn.candidate && signIn.candidate.admission_number) || signIn.attempt_id.slice(0, 8);
  const name = `${t("考库应急文件")}-${number}-${(formatInstant(madeAt) || "0000").replace(":", "")}.kaoku`;
  if (ctx.leaving) ctx.leaving.excuse();
  saveFile(rescueText({ attempt: signIn.attempt_id, rescue: signIn.rescue, events, madeAt }), name);
  return { name, n: events.length };
}

/** Explain, save, and say what to do with the file. */
export function openRescue(ctx) {
  const result = h("p", { role: "status", class: "rescue-result" });
  const saving = button("button primary large", async () => {
    const { name, n } = await save(ctx);
    result.className = "rescue-result notice success";
    setText(result, t("已保存 {n} 条答案，文件名：{name}。请举手，把文件交给监考员。之后又作答的，可以再存一次。", { n, name }));
    setText(saving, t("再存一次"));
  }, t("保存文件"));
  openDialog({
    name: "rescue", title: t("保存应急文件"),
    body: [
      sentences([t("请先举手，告诉监考员网络没有恢复。"), t("按下面的“保存文件”。如果浏览器询问存到哪里，直接按“保存”。"),
        t("监考员用 U 盘取走文件，导入后答案就到了服务器。")]),
      h("p", {}, t("文件已加密，只有考试服务器能读。答案也还在本机，您可以继续作答，网络恢复后会自动上传。")),
      h("p", { class: "muted" }, t("按了以后什么也没有出现？考试专用浏览器可能不允许保存文件，请举手，监考员知道怎么办。")), result,
    ],
    buttons: [saving, closeButton(t("关闭"))],
  });
}
