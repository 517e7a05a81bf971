/** Stands in for the candidate API: the same answers, out of this tab's own memory, so that a reload loses nothing. */
import { say } from "./words.js";

const KEY = "kaoku-practice";
const SECONDS_TO_WAIT = 5;
const instant = (milliseconds) => new Date(milliseconds).toISOString();

function recall() {
  try {
    return JSON.parse(sessionStorage.getItem(KEY) || "null");
  } catch (error) {
    return null;
  }
}

function remember(value) {
  try {
    sessionStorage.setItem(KEY, JSON.stringify(value));
  } catch (error) {
    // a reload will begin anew
  }
}

const fresh = () => ({
  attempt: `practice-${Date.now()}-${Math.random()}`, status: "waiting", opensAt: Date.now() + 1000 * SECONDS_TO_WAIT, deadlineAt: null, responses: {},
});

/** @param {{clock: ReturnType<import("../player/clock.js").createClock>}} options */
export function createPracticeApi({ clock }) {
  let work = recall() || fresh();
  let form = null;

  /** Every answer brings the time, as the server's do. */
  function answered(body) {
    const now = clock.monotonic();
    clock.sample(instant(Date.now()), now, now);
    remember(work);
    return body;
  }

  async function load() {
    if (!form) form = await (await fetch("assets/form.json")).json();
    return form;
  }

  const timing = () => ({ status: work.status, opens_at: instant(work.opensAt), deadline_at: work.deadlineAt && instant(work.deadlineAt) });
  return {
    setToken() {},
    async signIn() {
      work = fresh();
      const { title, rules, pledge, duration_seconds } = await load();
      const session = { name: say("session"), title, rules, pledge, duration_seconds };
      return answered({ token: "", attempt_id: work.attempt, ...timing(), session, candidate: { name: say("you"), admission_number: "—", seat: "—", room: say("anywhere") } });
    },
    async start() {
      const { duration_seconds: seconds } = await load();
      if (work.status === "waiting") work = { ...work, status: "in_progress", deadlineAt: Date.now() + 1000 * seconds };
      return answered(timing());
    },
    form: load,
    responses: async () => answered({ ...timing(), responses: work.responses }),
    async save(attempt, events) {
      const acknowledged = {};
      events.forEach(({ slot, seq, response }) => {
        const known = work.responses[slot];
        if (!known || known.seq < seq) work.responses[slot] = { seq, response };
        acknowledged[slot] = work.responses[slot].seq;
      });
      return answered({ ...timing(), acknowledged });
    },
    async submit() {
      work = { ...work, status: "submitted" };
      return answered({ n_answers: Object.keys(work.responses).length, submitted_at: instant(Date.now()), admission_number: "", digest: "" });
    },
  };
}
