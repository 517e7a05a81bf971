/** The exam screen: top bar, panel, items, bottom bar. */
import { button, fill, h, icon, setAttribute, setText } from "../dom.js";
import { t } from "../i18n.js";
import { tellTime } from "../announce.js";
import { listen } from "../keyboard.js";
import { counts, mayAnswer, neighbour, slotOf } from "../selectors.js";
import { createItem, createSplit, groupsOf } from "./item.js";
import { createPanel } from "./panel.js";
import { createToolbox } from "./toolbox.js";
import { createTopbar } from "./topbar.js";
import { openHandIn } from "./hand_in.js";
import { openHelp, openSignInAgain } from "./dialogs.js";

function sectionHead(section) {
  return h("div", { class: "section-head" }, h("p", { class: "section-title" }, section.title),
    section.instructions ? h("p", { class: "muted" }, section.instructions) : null);
}

function createStage(ctx) {
  const { store } = ctx;
  const element = h("div", { class: "stage-inner" });
  let items = [];
  let layout = "";
  let shown = null;
  let split = null;
  let fresh = false;

  /** A shared text stays where it is, and as far scrolled, while the candidate goes through its items. */
  function showOne(state) {
    const slot = slotOf(state, state.current);
    items = [createItem(ctx, slot)];
    fresh = Boolean(split) !== (slot.stimulus !== undefined) || Boolean(split && split.stimulus !== slot.stimulus);
    if (fresh) split = createSplit(state.form, slot);
    if (split) fill(split.items, items[0].element);
    if (split && fresh) split.tell();
    if (!split || fresh || !split.element.isConnected) fill(element, sectionHead(state.form.sections[slot.section]), split ? split.element : items[0].element);
  }

  function groupElement(form, group) {
    const own = group.map((slot) => createItem(ctx, slot));
    items.push(...own);
    const shared = createSplit(form, group[0]);
    if (!shared) return own[0].element;
    fill(shared.items, ...own.map((item) => item.element));
    return shared.element;
  }

  function showAll(state) {
    items = [];
    split = null;
    const parts = state.form.sections.map((section) => h("section", {}, sectionHead(section),
      groupsOf(section.slots.map((slot) => slotOf(state, slot))).map((group) => groupElement(state.form, group))));
    fill(element, ...parts);
  }

  const current = () => items.find((item) => item.slot === store.get().current);

  element.addEventListener("focusin", (event) => {
    const item = event.target.closest(".item");
    const slot = item && Number(item.dataset.slot);
    if (slot && slot !== store.get().current) store.dispatch({ type: "go", slot });
  });

  return {
    element,
    update(state) {
      const one = state.preferences.layout === "one";
      if (layout !== state.preferences.layout || (one && shown !== state.current)) {
        const turned = layout !== "" && layout !== state.preferences.layout;
        layout = state.preferences.layout;
        if (one) showOne(state);
        else showAll(state);
        if (turned) current().element.scrollIntoView({ block: "start" });
      }
      shown = state.current;
      element.classList.toggle("is-wide", Boolean(element.querySelector(".split")));
      items.forEach((item) => item.update(state));
    },
    choose: (index) => Boolean(current()) && mayAnswer(store.get()) && current().choose(index),
    focusCurrent() {
      const item = current();
      if (!item) return;
      item.element.focus({ preventScroll: true });
      (split && fresh ? split.element : item.element).scrollIntoView({ block: "start" });
      fresh = false;
    },
  };
}

function createBottom(ctx) {
  const previous = button("button large", () => ctx.step(-1), [icon("left"), h("span", {}, t("上一题"))]);
  const markText = h("span", {});
  const mark = button("button large mark", () => ctx.toggleMark(), [icon("flag"), markText]);
  const nextText = h("span", {});
  const next = button("button primary large", () => (neighbour(ctx.store.get(), 1) === null ? openHandIn(ctx) : ctx.step(1)), [nextText, icon("right")]);
  const progress = h("p", { class: "bottom-progress" });
  return {
    element: h("footer", { class: "bottom" }, previous, mark, progress, next),
    update(state) {
      const marked = Boolean(state.marks[state.current]);
      const last = neighbour(state, 1) === null;
      previous.disabled = neighbour(state, -1) === null;
      next.disabled = last && state.lock !== null;
      mark.disabled = !mayAnswer(state);
      setAttribute(mark, "aria-pressed", marked);
      setText(markText, marked ? t("取消标记") : t("标记"));
      setText(nextText, last ? t("检查并交卷") : t("下一题"));
      const { answered, n } = counts(state);
      setText(progress, t("已答 {answered} / {n}", { answered, n }));
    },
  };
}

/** How much is left, to be seen for a while as well as heard; below the items, so that nothing moves under a pointer. */
function createTimeNote(ctx) {
  const text = h("span", {});
  const element = h("p", { class: "time-note", hidden: true, "aria-hidden": "true" }, icon("clock"), text);
  return {
    element,
    tick() {
      const { timeNote } = ctx.store.get();
      element.hidden = !timeNote || ctx.clock.monotonic() > timeNote.until;
      if (!element.hidden) setText(text, timeNote.text);
    },
  };
}

function skipLink(text, find) {
  return button("skip", () => {
    const target = find();
    if (target) target.focus();
  }, text);
}

/** The exam screen. */
export function examView(ctx) {
  const { store } = ctx;
  const stage = createStage(ctx);
  const topbar = createTopbar(ctx);
  const panel = createPanel(ctx);
  const bottom = createBottom(ctx);
  const toolbox = createToolbox(ctx);
  const timeNote = createTimeNote(ctx);
  const element = h("div", { class: "exam" },
    h("div", { class: "skips" }, skipLink(t("跳到当前题目"), () => element.querySelector(`#item-${store.get().current}`)),
      skipLink(t("跳到材料"), () => element.querySelector(".split") && (element.querySelector(`#item-${store.get().current}`).closest(".split") || element).querySelector(".stimulus")),
      skipLink(t("跳到题号"), () => panel.element.querySelector('[tabindex="0"]') || panel.element)),
    h("p", { class: "print-notice" }, t("考试期间不能打印试题。")), topbar.element, h("div", { class: "scroller" }, topbar.below, h("div", { class: "middle" }, panel.element, toolbox.element, h("main", { class: "stage", "aria-label": t("试题"), tabIndex: -1 }, stage.element))), timeNote.element, bottom.element);
  let again = null;
  ctx.focusItem = () => stage.focusCurrent();
  const stop = listen({
    active: () => store.get().preferences.shortcuts,
    commands: { n: () => ctx.step(1), p: () => ctx.step(-1), f: () => ctx.toggleMark(), t: () => tellTime(ctx), "?": () => openHelp(ctx) },
    choose: (index) => stage.choose(index),
  });

  function askSignIn(state) {
    if (state.auth === "expired" && !again && !state.receipt) again = openSignInAgain(ctx);
    if (state.auth === "ok" && again) {
      again.close();
      again = null;
    }
  }

  return {
    element,
    focus: () => stage.focusCurrent(),
    update(state) {
      topbar.update(state);
      panel.update(state);
      stage.update(state);
      bottom.update(state);
      toolbox.update(state);
      element.classList.toggle("has-tool", !toolbox.element.hidden);
      element.classList.toggle("is-locked", state.lock !== null);
      askSignIn(state);
    },
    tick() {
      topbar.tick();
      timeNote.tick();
    },
    leave() {
      stop();
      if (again) again.close();
      document.querySelectorAll("dialog[open]").forEach((dialog) => dialog.close());
    },
  };
}
