/** The way of one candidate: sign in, get ready, start, sit, hand in. */
import { ApiError, backOff } from "./api.js";
import { openOutbox } from "./outbox.js";
import { createAhead, makeKey, openWork } from "./form.js";
import { forget, holdInThisTab, recall, remember } from "./tab.js";
import { newest } from "./rescue.js";
import { createSigningIn } from "./signing_in.js";
import { t } from "./i18n.js";

export function createSession({ store, api, clock }) {
  let sync = null;
  let outbox = null;
  let release = () => {};
  const ahead = createAhead(api);
  let entering = false;
  let key = null;
  const { set } = store;
  const attempt = () => store.get().signIn.attempt_id;

  /** Only a real sign-in brings a key for rescue files: the practice keeps nothing. */
  function keep() {
    const { signIn, phase, preferences, current, status, deadlineAt, earliestSubmitAt, hold } = store.get();
    if (!signIn || phase === "receipt") return;
    if (!key && signIn.rescue) key = makeKey();
    remember({ signIn, phase, preferences, key, lead: clock.lead(), values: { current, status, deadlineAt, earliestSubmitAt, hold } });
  }

  function adoptSignIn(answer) {
    api.setToken(answer.token);
    set({ signIn: answer, status: answer.status, deadlineAt: answer.deadline_at || store.get().deadlineAt,
      earliestSubmitAt: answer.earliest_submit_at || null, auth: "ok", message: "" });
  }

  function proceed(status) {
    if (status === "in_progress") return enter();
    if (status === "submitted") return finish();
    return go("check");
  }

  function go(phase) {
    set({ phase, message: "", busy: false });
    keep();
  }

  const { signIn, signInAgain } = createSigningIn({ store, api, attempt, adopt: adoptSignIn, proceed, keep, retry: () => sync && sync.retry() });

  function signOut(message = "") {
    release();
    [sync, key] = [null, null];
    forget();
    api.setToken("");
    store.dispatch({ type: "reset" });
    set({ message });
  }

  async function openExam() {
    keep();
    const id = attempt();
    let opened = null;
    if (store.get().status !== "in_progress") {
      const answer = await api.start(id);
      opened = await ahead.open(id, answer.form_key);
      store.dispatch({ type: "timing", status: "in_progress", ...answer });
    }
    const work = await openWork({ store, api, clock, attempt: id, opened, key, onClosed: finish });
    if (!work) return finish();
    ({ outbox, sync } = work);
    release();
    release = holdInThisTab(id, yieldToNewerTab);
    return go("exam");
  }

  function yieldToNewerTab() {
    if (!sync || store.get().receipt) return;
    sync.flush();
    store.dispatch({ type: "lock", lock: "other_tab" });
  }

  /** The start was moved: wait for the new one. @returns {boolean} whether it is so near that asking again is the wait */
  function waitOn(opensAt = store.get().signIn.opens_at) {
    set({ phase: "waiting", message: "", signIn: { ...store.get().signIn, opens_at: opensAt } });
    return !(clock.until(opensAt) > 2000);
  }

  /** @returns {boolean} whether it is worth trying to enter again */
  function enterFailed(error) {
    if (error.status === 401) signOut(t("登录已失效，请重新登录。已作答的内容不会丢失。"));
    else if (error.code === "attempt_taken_over") signOut(t("您已在另一台电脑或另一个页面登录。如需在这里考试，请重新登录。"));
    else if (error.status === 410) finish();
    else if (error.code === "not_open") return waitOn(error.details.opens_at);
    else if (error.passing) set({ message: store.get().status === "in_progress" ? t("连接不上考试服务器。您做过的题都没有丢。请举手，不要关闭本页；网络恢复后会自动打开试卷。") : t("连接不上考试服务器，正在自动重试，请不要关闭本页。") });
    else set({ message: error.message || t("暂时不能进入考试，正在自动重试。请举手告诉监考员。") });
    return !["sign_in", "receipt", "finishing"].includes(store.get().phase);
  }

  /** Enter the exam, trying until it works. */
  async function enter() {
    if (entering) return;
    entering = true;
    if (store.get().phase !== "waiting") set({ phase: "opening" });
    for (let tries = 0, again = true; again; tries += 1) {
      try {
        await openExam();
        again = false;
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        again = enterFailed(error);
        if (again) await backOff(tries);
      }
    }
    entering = false;
  }

  /** What the server does not have: kept at the end, in the outbox, or on its way. */
  async function unsent(box = outbox) {
    return newest(store.get().kept, box ? await box.events() : [], sync ? sync.unsent() : []);
  }

  /** Leave nothing on this computer, except answers that the server never took: those stay for the invigilator. */
  async function cleanUp() {
    release();
    forget();
    const box = outbox || (await openOutbox({ attempt: attempt() }));
    const kept = await unsent(box);
    set({ unsent: kept.length, kept });
    await box.clear(!kept.length);
    [outbox, sync] = [null, null];
  }

  /** The form was replaced: what is left goes to the old attempt as evidence, the new one opens after signing in. */
  async function beginAnew() {
    const box = outbox || (await openOutbox({ attempt: attempt() }));
    const left = (await unsent(box)).slice(0, 200);
    const kept = !left.length || (await api.save(attempt(), left).then(() => true, (error) => error.status === 410));
    await box.clear(kept);
    outbox = null;
    signOut(t("您的试卷已更换：原来的作答已停止，答案留存备查。请重新登录，在新试卷上从头作答，时间重新计算。"));
  }

  async function showReceipt(receipt) {
    if (store.get().receipt) return;
    if (receipt.voided_at) return beginAnew();
    set({ receipt, lock: "closed", busy: false });
    await cleanUp();
    set({ phase: "receipt" });
  }

  /** The server has closed the attempt (or the time is over): fetch the receipt until it comes. */
  async function finish() {
    if (store.get().receipt || store.get().lock === "closed") return;
    store.dispatch({ type: "lock", lock: "closed" });
    if (!store.get().form) set({ phase: "finishing" });
    for (let tries = 0; !store.get().receipt; tries += 1) {
      try {
        return await showReceipt(await api.submit(attempt()));
      } catch (error) {
        if (error.status === 401) return signOut(t("考试已结束。重新登录可以查看回执。"));
        if (!error.passing && error.status !== 410) return set({ lock: null });
        await backOff(tries);
      }
    }
    return undefined;
  }

  /** The candidate hands in: everything must be acknowledged first. */
  async function handIn() {
    if (store.get().busy || !sync) return;
    set({ busy: true, handInError: "" });
    const drained = await sync.drain(8000);
    if (store.get().lock !== null || store.get().hold) return set({ busy: false });
    if (!drained) return set({ busy: false, handInError: t("还有答案没有传到服务器，暂时不能交卷。答案已存本机，请不要关闭本页，稍后再试或举手告诉监考员。") });
    try {
      await showReceipt(await api.submit(attempt()));
    } catch (error) {
      if (error.status === 410) return finish();
      if (error.status === 401) set({ auth: "expired" });
      set({ busy: false, handInError: error.passing ? t("网络中断，暂时不能交卷。答案已保存，请稍后再试。") : error.message });
    }
    return undefined;
  }

  store.subscribe((state, before) => {
    if (state.phase === "exam" && (state.deadlineAt !== before.deadlineAt || state.hold !== before.hold)) keep();
  });

  /** Take up where a reload interrupted. */
  async function resume() {
    const kept = recall();
    if (!kept || !kept.signIn) return set({ phase: "sign_in" });
    key = kept.key;
    adoptSignIn(kept.signIn);
    clock.guess(kept.lead);
    set({ ...kept.values, preferences: { ...store.get().preferences, ...kept.preferences } });
    if (kept.phase === "exam" || kept.phase === "opening") return enter();
    return go(kept.phase);
  }

  return { signIn, signInAgain, signOut, go, enter, finish, handIn, resume, keep, unsent, fetchAhead: () => ahead.fetch(attempt()), sync: () => sync, outbox: () => outbox };
}
