/** Signing in, at the beginning and again while the page and its answers stay. */
import { formatInstant } from "./clock.js";
import { t } from "./i18n.js";

/** Words for what keeps somebody from signing in. */
function refusalText(error) {
  if (error.status === 0) return t("连接不上考试服务器，请检查网线后再试，或举手告诉监考员。");
  const opens = error.code === "not_open" && formatInstant(error.details.opens_at);
  if (opens) return t("还没有到入场时间，{time} 以后可以登录。", { time: opens });
  return error.message || t("准考证号或证件号不对，请核对后再试。");
}

/** @param {{store: any, api: any, attempt: () => string, adopt: (answer: any) => void, proceed: (status: string) => any, keep: () => void, retry: () => void}} deps */
export function createSigningIn({ store, api, attempt, adopt, proceed, keep, retry }) {
  const { set } = store;
  return {
    async signIn(admissionNumber, idNumber) {
      set({ busy: true, message: "" });
      try {
        adopt(await api.signIn(admissionNumber, idNumber));
        set({ busy: false });
        await proceed(store.get().status);
      } catch (error) {
        set({ busy: false, ...(error.code === "lockdown_required" ? { phase: "lockdown", launch: error.details.launch } : { message: refusalText(error) }) });
      }
    },
    /** Sign in from the dialog; what was answered stays. */
    async signInAgain(admissionNumber, idNumber) {
      set({ busy: true, message: "" });
      try {
        const before = attempt();
        const answer = await api.signIn(admissionNumber, idNumber);
        set({ busy: false });
        if (answer.attempt_id !== before) return set({ message: t("这不是本场考试的考生，请填写您自己的准考证号和证件号。") });
        adopt({ ...store.get().signIn, ...answer });
        keep();
        retry();
      } catch (error) {
        set({ busy: false, message: refusalText(error) });
      }
      return undefined;
    },
  };
}
