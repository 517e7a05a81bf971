/** Puts the parts together and draws the page of the current phase. */
import { createAnnouncer } from "./announce.js";
import { createClock, placeIn } from "./clock.js";
import { createEnding } from "./ending.js";
import { createLeaving } from "./leaving.js";
import { createSession } from "./session.js";
import { createStore, isCut } from "./state.js";
import { guard, guardReload } from "./guards.js";
import { currentLanguage, loadLanguage, setLanguage, t } from "./i18n.js";
import { fill } from "./dom.js";
import { mayAnswer, neighbour } from "./selectors.js";
import { checkView, guideView, lockdownView, pledgeView, rulesView, signInView } from "./views/before.js";
import { openLeaveNotice, openReloadNotice } from "./views/dialogs.js";
import { openingView, waitingView } from "./views/waiting.js";
import { examView } from "./views/exam.js";
import { receiptView } from "./views/receipt.js";

const VIEWS = {
  sign_in: signInView, check: checkView, rules: rulesView, guide: guideView, pledge: pledgeView, waiting: waitingView,
  opening: openingView, finishing: openingView, exam: examView, receipt: receiptView,
  lockdown: lockdownView,
};
const TICK_MS = 250;

/**
 * Open the player over an API; `views` replaces pages of single phases.
 * @param {{makeApi: (options: {clock: any, language: () => string}) => any, views?: Record<string, (ctx: any) => any>}} options
 */
export function start({ makeApi, views = {} }) {
  // Firefox before 98 and Safari before 15.4 have no dialogs: somebody would sit to the end and could not hand in.
  if (!("showModal" in document.createElement("dialog"))) return void import("./too_old.js");
  const shown = { ...VIEWS, ...views };
  const clock = createClock();
  const store = createStore();
  const api = makeApi({ clock, language: currentLanguage });
  const session = createSession({ store, api, clock });
  const announcer = createAnnouncer({ store, clock });
  const ending = createEnding({ store, clock, session });
  const root = document.getElementById("app");
  let view = {};

  const ctx = {
    store, clock, api, session,
    focusItem: () => {},
    answer(slot, response) {
      if (mayAnswer(store.get())) session.sync().record(slot, response);
    },
    goTo(slot) {
      store.dispatch({ type: "go", slot });
      session.keep();
      ctx.focusItem();
    },
    step(by) {
      const slot = neighbour(store.get(), by);
      if (slot !== null) ctx.goTo(slot);
    },
    toggleMark() {
      const { current, marks } = store.get();
      if (!mayAnswer(store.get())) return;
      store.dispatch({ type: "mark", slot: current, on: !marks[current] });
      session.outbox().setMark(current, !marks[current]);
    },
    prefer(name, value) {
      store.dispatch({ type: "preference", name, value });
      session.keep();
    },
  };

  /** Without a network English may not come: then the page stays as it is, and Chinese. */
  function speak(language) {
    setLanguage(language);
    const loading = loadLanguage(language);
    if (loading) loading.then(() => mount(store.get()), () => ctx.prefer("language", "zh-Hans"));
  }

  function mount(state) {
    if (view.leave) view.leave();
    ctx.focusItem = () => {};
    speak(state.preferences.language);
    const build = shown[state.phase];
    if (!build) return;
    view = build(ctx);
    fill(root, view.element);
    document.title = t("考试 · 考库");
    if (view.update) view.update(state);
    if (view.tick) view.tick();
    if (view.focus) view.focus();
    else root.querySelector("h1").focus();
  }

  function dress({ preferences }) {
    const { dataset } = document.documentElement;
    dataset.size = preferences.size;
    dataset.contrast = preferences.contrast ? "high" : "normal";
  }

  const cut = () => isCut(store.get());

  /** While somebody sits: leaving is noticed, copying deterred, as the form says. */
  function beginSitting({ form, signIn }) {
    history.pushState(null, "");
    const conduct = form.conduct || {};
    const stop = guard(conduct);
    const stopKeys = guardReload({ cut, explain: openReloadNotice });
    const onReturn = (kind) => conduct.leave_action !== "count" && openLeaveNotice(conduct, kind);
    ctx.leaving = createLeaving({ store, api, clock, conduct, onReturn, attempt: signIn.attempt_id, outbox: session.outbox() });
    ctx.endSitting = () => {
      stop();
      stopKeys();
      ctx.leaving = null;
    };
  }

  store.subscribe((state, before) => {
    if (state.phase === "exam" && before.phase !== "exam") beginSitting(state);
    if (state.phase !== "exam" && before.phase === "exam") ctx.endSitting();
    if (state.preferences !== before.preferences) dress(state);
    const other = state.preferences.language !== before.preferences.language;
    if (state.phase !== before.phase || other || (state.form !== before.form && state.phase === "exam")) mount(state);
    else if (view.update) view.update(state);
  });

  function tick() {
    if (view.tick) view.tick();
    if (store.get().phase !== "exam") return;
    announcer.tick();
    ending.tick();
    ctx.leaving.tick();
    if (session.sync()) session.sync().tick();
  }

  function flushNow() {
    if (document.visibilityState === "hidden" && session.sync()) session.sync().flush(true);
  }

  function guardLeaving(event) {
    const { pending, phase, receipt } = store.get();
    if (receipt || !(Object.keys(pending).length || (phase === "exam" && cut()))) return;
    event.preventDefault();
    event.returnValue = "";
  }

  window.addEventListener("online", () => session.sync() && session.sync().retry());
  window.addEventListener("offline", () => session.sync() && session.sync().offline());
  document.addEventListener("visibilitychange", flushNow);
  window.addEventListener("beforeunload", guardLeaving);
  window.addEventListener("popstate", () => store.get().phase === "exam" && history.pushState(null, ""));
  setInterval(tick, TICK_MS);
  if (navigator.storage && navigator.storage.persist) navigator.storage.persist().catch(() => false);
  if (matchMedia("(max-width: 700px)").matches) store.dispatch({ type: "preference", name: "panel", value: false });
  const place = document.querySelector('meta[name="time-zone"]');
  if (place) placeIn(place.content);
  dress(store.get());
  session.resume();
}
