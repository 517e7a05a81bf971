/** The waiting page: counts down on the server's clock and opens by itself. */
import { h, setText } from "../dom.js";
import { t } from "../i18n.js";
import { formatInstant, formatSpan } from "../clock.js";
import { createPractice, frame } from "./before.js";

const JITTER_MS = 1500;
const ASK_MS = 15000;
const FETCH_WITHIN_MS = 60000;

/** The waiting page. */
export function waitingView(ctx) {
  const { store, clock, session } = ctx;
  const { signIn } = store.get();
  const span = h("p", { class: "big-clock", role: "timer" });
  const status = h("p", { class: "waiting-status", role: "status" });
  const start = h("p", { class: "waiting-start" });
  const candidate = signIn.candidate || {};
  const element = frame(ctx, "waiting", t("请安静等候开考"),
    h("p", {}, t("{name}，您已准备好。到点后考试会自动开始，不用按任何按钮。", { name: candidate.name || "" })),
    status, span,
    start,
    createPractice());
  const jitter = Math.random() * JITTER_MS;
  let asked = clock.monotonic();
  let fetchAt = null;

  /** Fetch the sealed form at a moment of one's own, so that a room does not ask at once. */
  function fetchAhead(left) {
    if (fetchAt === null) fetchAt = clock.monotonic() + Math.random() * Math.max(0, Math.min(FETCH_WITHIN_MS, left * 0.7));
    if (clock.monotonic() < fetchAt) return;
    fetchAt = Infinity;
    session.fetchAhead();
  }

  /** The opening may have been moved: ask now and then. */
  async function ask() {
    asked = clock.monotonic();
    try {
      const answer = await ctx.api.responses(signIn.attempt_id);
      if (answer.opens_at) store.set({ signIn: { ...store.get().signIn, opens_at: answer.opens_at } });
      if (answer.hold) store.set({ message: answer.hold.reason });
      if (answer.status === "in_progress" || answer.status === "submitted") session.enter();
    } catch (error) {
      if (error.status === 401) session.enter(); // which says so
    }
  }

  return {
    element,
    tick() {
      const opensAt = store.get().signIn.opens_at;
      const left = clock.until(opensAt);
      setText(start, t("开考时间 {time}（以服务器时间为准，与本机时钟无关）", { time: formatInstant(opensAt) }));
      const open = left !== null && left <= -jitter;
      setText(span, left === null || left <= 0 ? "00:00" : formatSpan(left));
      setText(status, store.get().message || (left !== null && left <= 0 ? t("时间到，正在打开试卷……") : t("距离开考还有")));
      if (left > 0) fetchAhead(left);
      if (open || left === null) session.enter();
      else if (clock.monotonic() - asked > ASK_MS) ask();
    },
  };
}

/** Between the waiting page and the exam, or while the receipt is fetched. */
export function openingView(ctx) {
  const note = h("p", { role: "status" });
  return {
    element: frame(ctx, "opening", t("正在打开试卷，请稍候……"), note),
    update: (state) => setText(note, state.message),
  };
}
