/** Spoken and written notices: time at set points, the state of the connection, more time. */
import { setText } from "./dom.js";
import { t } from "./i18n.js";
import { counts } from "./selectors.js";
import { isCut } from "./state.js";

export const MINUTES = [30, 10, 5, 1];
const CLEAR_MS = 20000;
let clearing = null;

/** Say a sentence politely; it is removed later so that nobody meets an old one. */
export function say(text) {
  const region = document.getElementById("live");
  setText(region, text);
  clearTimeout(clearing);
  clearing = setTimeout(() => setText(region, ""), CLEAR_MS);
}

/**
 * Find the set point that was passed between two readings of the remaining time.
 * @returns {number|null} minutes
 */
export function crossed(before, now) {
  if (before === null || now === null || now <= 0) return null;
  const passed = MINUTES.filter((m) => before > m * 60000 && now <= m * 60000);
  return passed.length ? passed[passed.length - 1] : null;
}

/** Why nothing can be answered at the moment, in words. */
export function holdText({ kind, reason }) {
  const what = kind === "paused" ? t("考试暂停，计时已停止。请不要离开座位，恢复后可以继续作答。") : t("答题已锁定，请举手等监考员处理。已作答的内容都在，计时不停。");
  return reason ? t("{what}原因：{reason}", { what, reason }) : what;
}

/** Say and show how much is left, at a set point or because the candidate asks. */
export function tellTime({ store, clock }, minutes = null) {
  const state = store.get();
  const left = clock.until(state.deadlineAt);
  if (left === null) return;
  const text = t("还剩 {n} 分钟，还有 {open} 题未答。", { n: minutes === null ? Math.max(0, Math.ceil(left / 60000)) : minutes, open: counts(state).open });
  say(text);
  store.set({ timeNote: { text, until: clock.monotonic() + CLEAR_MS } });
}

/** Announce time and connection; unfold the time at 10 and 5 minutes. */
export function createAnnouncer({ store, clock }) {
  let before = null;
  let deadline = null;
  store.subscribe((state, old) => {
    if (state.phase !== "exam") return;
    if (state.extension && state.extension !== old.extension) say(t("考试时间延长了 {n} 分钟。", { n: state.extension.minutes }));
    if (Boolean(state.hold) !== Boolean(old.hold)) say(state.hold ? holdText(state.hold) : t("可以继续作答了。"));
    if (isCut(state) !== isCut(old)) say(isCut(state) ? t("网络中断，您可以继续作答，答案存在本机。") : t("网络已恢复。"));
  });
  return {
    tick() {
      const state = store.get();
      if (state.phase !== "exam" || state.lock || (state.hold && state.hold.kind === "paused")) return;
      const left = clock.until(state.deadlineAt);
      const minutes = deadline === state.deadlineAt ? crossed(before, left) : null;
      before = left;
      deadline = state.deadlineAt;
      if (minutes === null) return;
      tellTime({ store, clock }, minutes);
      if (minutes <= 10) store.dispatch({ type: "preference", name: "timer", value: true });
    },
  };
}
