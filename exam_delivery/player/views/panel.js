/** The panel of item numbers: states by shape, text and colour; one Tab stop, arrow keys inside. */
import { button, h, heard, icon, setAttribute, setText } from "../dom.js";
import { t } from "../i18n.js";
import { answeredAt, counts, positionOf } from "../selectors.js";

/** A button whose name reads "第 3 题，已答，已标记" while "3 已答" and the flag are what is seen. */
function createNumber(ctx, slot) {
  const position = positionOf(ctx.store.get().form, slot);
  const [before, after] = t("第 {n} 题").split("{n}");
  const word = h("span", { class: "number-word" });
  const marked = heard("");
  const element = button("number-button", () => ctx.goTo(slot), [
    h("span", { class: "number-flag" }, icon("flag")), heard(before), h("span", { class: "number-digits" }, String(position)),
    heard(after + t("，")), word, marked], { tabIndex: -1, "data-slot": slot });
  return {
    element,
    slot,
    update(state) {
      const done = answeredAt(state, slot);
      const current = state.current === slot;
      element.classList.toggle("is-answered", done);
      element.classList.toggle("is-marked", Boolean(state.marks[slot]));
      element.classList.toggle("is-current", current);
      setText(word, done ? t("已答") : t("未答"));
      setText(marked, state.marks[slot] ? t("，") + t("已标记") : "");
      setAttribute(element, "aria-current", current ? "true" : null);
      element.tabIndex = current ? 0 : -1;
    },
  };
}

function onArrow(event, list) {
  const buttons = list.map((number) => number.element);
  const at = buttons.indexOf(document.activeElement);
  if (at < 0) return;
  const top = (button) => button.getBoundingClientRect().top;
  const left = (button) => button.getBoundingClientRect().left;
  const vertical = (step) => {
    for (let i = at + step; buttons[i]; i += step) {
      if (top(buttons[i]) !== top(buttons[at]) && Math.abs(left(buttons[i]) - left(buttons[at])) < 8) return i;
    }
    return at;
  };
  const moves = {
    ArrowRight: () => at + 1, ArrowLeft: () => at - 1, ArrowDown: () => vertical(1), ArrowUp: () => vertical(-1),
    Home: () => 0, End: () => buttons.length - 1,
  };
  if (!moves[event.key]) return;
  event.preventDefault();
  const target = buttons[moves[event.key]()];
  if (target) target.focus();
}

function legend() {
  const sample = (kind, text, mark) => h("li", {}, h("span", { class: `sample ${kind}`, "aria-hidden": "true" }, mark), text);
  return h("ul", { class: "legend" }, sample("", t("未答")), sample("is-answered", t("已答")), sample("is-marked", t("标记"), icon("flag")), sample("is-current", t("当前")));
}

/** The panel. */
export function createPanel(ctx) {
  const { form } = ctx.store.get();
  const numbers = [];
  const progress = h("p", { class: "progress" });
  const groups = form.sections.map((section, index) => {
    const own = section.slots.map((slot) => createNumber(ctx, slot));
    numbers.push(...own);
    const count = h("span", { class: "muted section-count" });
    const element = h("section", { class: "number-group", "aria-labelledby": `panel-${index}` },
      h("h3", { id: `panel-${index}` }, section.title, " ", count), h("div", { class: "numbers" }, own.map((number) => number.element)));
    return { element, update: (state) => setText(count, `${counts(state, section.slots).answered}/${section.slots.length}`) };
  });
  let current = null;

  /** Keep the current number in sight without moving the page itself. */
  function reveal(state) {
    if (state.current === current) return;
    current = state.current;
    const number = numbers.find(({ slot }) => slot === current).element;
    const above = number.offsetTop - element.offsetTop;
    if (above < element.scrollTop || above + number.offsetHeight + 24 > element.scrollTop + element.clientHeight) {
      element.scrollTop = above - element.clientHeight / 3;
    }
  }

  const element = h("nav", { class: "panel", id: "panel", "aria-label": t("题号"), tabIndex: -1, onkeydown: (event) => onArrow(event, numbers) },
    h("h2", { class: "panel-title" }, t("题号")), progress, legend(), groups.map((group) => group.element));
  return {
    element,
    update(state) {
      const { answered, n, marked } = counts(state);
      setText(progress, t("已答 {answered} / {n}，标记 {marked}", { answered, n, marked }));
      groups.forEach((group) => group.update(state));
      numbers.forEach((number) => number.update(state));
      element.hidden = !state.preferences.panel;
      reveal(state);
    },
  };
}
