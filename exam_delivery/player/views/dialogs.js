/** Dialogs: native modal elements, focus kept inside and given back by the browser. */
import { button, h, sentences, tickBox } from "../dom.js";
import { t } from "../i18n.js";

let sequence = 0;

/**
 * Open a modal dialog.
 * @param {{title: string, body: any[], buttons?: any[], closable?: boolean, name?: string, onClose?: () => void}} options
 */
export function openDialog({ title, body, buttons = [], closable = true, name = "", onClose = () => {} }) {
  sequence += 1;
  const before = document.activeElement;
  const heading = h("h2", { id: `dialog-${sequence}`, tabIndex: -1 }, title);
  const row = h("div", { class: "buttons" }, buttons);
  const element = h("dialog", { class: `dialog ${name}`, "aria-labelledby": heading.id }, heading,
    h("div", { class: "dialog-body", tabindex: "0", role: "group", "aria-labelledby": heading.id }, body),
    row);
  element.addEventListener("cancel", (event) => closable || event.preventDefault());
  element.addEventListener("close", () => {
    element.remove();
    // Chromium 86 does not give the focus back by itself.
    if (document.activeElement === document.body) before.focus();
    onClose();
  });
  document.body.append(element);
  element.showModal();
  heading.focus();
  return { heading, buttons: row, close: () => element.close() };
}

/** A button that closes its own dialog. */
export function closeButton(text, kind = "") {
  return button(`button ${kind}`, (event) => event.currentTarget.closest("dialog").close(), text);
}

/** Show a picture as large as the window allows. */
export function openPicture(image) {
  openDialog({
    name: "picture", title: image.alt || t("图片"),
    body: [h("img", { src: image.currentSrc || image.src, alt: image.alt })], buttons: [closeButton(t("关闭"))],
  });
}

const zoomLabel = (image) => (image.alt ? t("放大图片：{alt}", { alt: image.alt }) : t("放大图片"));

/** Turn the pictures of a text into buttons that show them large. */
export function makeZoomable(text) {
  text.querySelectorAll("img").forEach((image) => {
    const zoom = button("zoom", () => openPicture(image), [], { "aria-label": zoomLabel(image) });
    image.replaceWith(zoom);
    zoom.append(image);
  });
}

/** Buttons beside a text that is pressed itself, such as an option: its pictures large. */
export const zoomButtons = (text) => [...text.querySelectorAll("img")].map((image) =>
  button("button", () => openPicture(image), t("放大"), { "aria-label": zoomLabel(image) }));

/** How the exam screen works, in the words of the page before the exam. */
export const guideTexts = () => [
  t("点一下选项就是作答，再点别的选项可以改。答案会自动保存，不用按保存。"),
  t("左边是题号：空白框是未答，蓝色实心是已答，右上角有小旗是标记。点题号可以跳到那一题。"),
  t("下面有“上一题”“标记”“下一题”三个按钮。拿不准的题先标记，交卷前再看。"),
  t("上面显示剩余时间和网络状态。断网也可以继续作答，答案先存在本机。"),
  t("字看不清，按上面的“字号”或“高对比度”；忘了怎么操作，按“帮助”。"),
  t("做完后按右上角“交卷”。时间到了系统会自动交卷。"),
];

/** The guide again, and the list of keys. */
export function openHelp(ctx) {
  const keys = [
    ["N", t("下一题")], ["P", t("上一题")], ["F", t("标记或取消标记")], ["T", t("看或听剩余时间和未答题数")], [t("A–H 或 1–9"), t("选择对应选项（第六项请按 6）")],
    ["Tab", t("移到下一个按钮或空格")], [t("方向键"), t("在选项之间或题号之间移动")], ["?", t("打开本帮助")],
  ];
  openDialog({
    title: t("帮助"), name: "help",
    body: [
      sentences([...guideTexts(), t("电脑出现问题请举手；换电脑后，已保存的答案仍在。")]),
      h("h3", {}, t("快捷键")),
      h("table", { class: "keys" }, h("tbody", {}, keys.map(([key, text]) => h("tr", {}, h("th", { scope: "row" }, h("kbd", {}, key)), h("td", {}, text))))),
      tickBox(t("使用字母和数字快捷键（打字时自动停用）"), "check", ctx.store.get().preferences.shortcuts, (ticked) => ctx.prefer("shortcuts", ticked)),
    ],
    buttons: [closeButton(t("关闭"), "primary")],
  });
}

/** Say something that interrupts, once however often it happens. */
function openNotice(name, title, ...texts) {
  if (document.querySelector(`dialog.${name}`)) return;
  openDialog({ name, title, body: texts.map((text) => h("p", {}, text)), buttons: [closeButton(t("知道了，继续作答"), "primary")] });
}

/** Tell somebody who is back that it was noticed. */
export function openLeaveNotice({ leave_action: action, leave_limit: limit }, kind) {
  openNotice("left-page", t("请不要离开考试页面"), kind === "windowed" ? t("您刚才退出了全屏，已经记录。") : t("您刚才离开了考试页面，已经记录。"),
    t("考试中请不要切换到别的窗口，也不要最小化。电脑自己弹出窗口的，请举手告诉监考员。"),
    action === "lock" ? t("最多可以离开 {n} 次，超过后答题会锁定，要等监考员处理。", { n: limit }) : "");
}

/** Say why a reload would be the wrong thing now. */
export const openReloadNotice = () => openNotice("stay", t("现在不要刷新"),
  t("网络还没有恢复，刷新没有用，考试页面还可能打不开。答案都在这台电脑里，请继续作答；网络恢复后会自动上传。"));

/** Sign in again while the page stays as it is. */
export function openSignInAgain(ctx) {
  const form = signInForm(t("重新登录"), async (...numbers) => {
    form.submit.disabled = true;
    await ctx.session.signInAgain(...numbers);
    form.submit.disabled = false;
    form.error.textContent = ctx.store.get().message;
  }, ctx.store.get().signIn.candidate);
  return openDialog({
    title: t("请重新登录"), closable: false, name: "again",
    body: [h("p", {}, t("登录已失效。已作答的内容都在，请重新登录后继续。")), form.element],
  });
}

/** The two fields of a sign-in and the button; pasting is allowed, nothing is remembered by the browser. */
export function signInForm(text, onSubmit, candidate) {
  sequence += 1;
  const field = (name, label, help, value = "") => {
    const id = `${name}-${sequence}`;
    const input = h("input", { type: "text", id, name: id, autocomplete: "off", autocapitalize: "characters",
      autocorrect: "off", spellcheck: "false", required: true, maxlength: 40, "aria-describedby": `${id}-help`, value });
    const row = h("div", { class: "field" }, h("label", { htmlFor: id }, label), input, h("p", { class: "hint", id: `${id}-help` }, help));
    return { input, row };
  };
  const admission = field("admission", t("准考证号"), t("准考证上“准考证号”一栏的号码"), candidate ? candidate.admission_number : "");
  const identity = field("identity", t("证件号码"), t("身份证号码，末位是字母 X 的也要填写"));
  const error = h("p", { class: "error", role: "alert" });
  const submit = h("button", { type: "submit", class: "button primary large" }, text);
  const element = h("form", {
    class: "sign-in-form", autocomplete: "off",
    onsubmit(event) {
      event.preventDefault();
      onSubmit(admission.input.value.trim(), identity.input.value.trim());
    },
  }, admission.row, identity.row, error, submit);
  return { element, error, submit, focus: () => admission.input.focus() };
}
