/** The first and the last page of the practice. */
import { h } from "../../assets/dom.js";
import { counts } from "../../assets/selectors.js";
import { frame } from "../../assets/views/before.js";
import { say } from "./words.js";

const toExam = () => h("a", { class: "button large", href: "../" }, say("exam"));
const primary = (text, onClick) => h("button", { type: "button", class: "button primary large", onclick: onClick }, text);

/** What this is, and a button. */
export function welcomeView(ctx) {
  return {
    element: frame(ctx, "practice", say("title"), h("p", {}, say("lead")),
      h("ul", { class: "rules" }, say("points").split("|").map((text) => h("li", {}, text))),
      h("div", { class: "buttons" }, primary(say("begin"), () => ctx.session.signIn("", "")), toExam())),
  };
}

/** What was practised. */
export function doneView(ctx) {
  const { form, answers } = ctx.store.get();
  const { answered, n } = form ? counts({ form, answers, marks: {} }) : { answered: 0, n: 0 };
  return {
    element: frame(ctx, "receipt", say("doneTitle"), h("p", { class: "notice success" }, say("done")),
      form ? h("p", {}, say("answered", { n: answered, total: n })) : null,
      form && answered < n ? h("p", { class: "muted" }, say("missed")) : null,
      h("div", { class: "buttons" }, primary(say("again"), () => ctx.session.signOut()), toExam())),
  };
}
