// The player's pure parts, run by Node: state, clock, answer protocol. `player/` is a copy made by the pytest wrapper.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { compute } from "./player/arithmetic.js";
import { crossed } from "./player/announce.js";
import { ApiError, createApi } from "./player/api.js";
import { createClock, formatSpan, parseInstant } from "./player/clock.js";
import { isTyping, keyOf, optionIndex } from "./player/keyboard.js";
import { createLeaving } from "./player/leaving.js";
import { openOutbox } from "./player/outbox.js";
import { newest, rescueText } from "./player/rescue.js";
import { open, seal } from "./player/seal.js";
import { counts, isAnswered, looksNumeric, mayAnswer, mergeResponses, neighbour, normaliseNumber, safety, unfinished } from "./player/selectors.js";
import { createStore, INITIAL, reduce } from "./player/state.js";
import { createSync } from "./player/sync.js";

const FORM = {
  form_id: "f", title: "t", display: { per_page: "one" },
  sections: [{ title: "一", slots: [1, 2] }, { title: "二", slots: [3] }],
  slots: [1, 2, 3].map((slot) => ({ slot, section: slot > 2 ? 1 : 0, interaction: "choice", stem: "", choices: [] })),
};
const opened = (responses = {}, local = [], marks = []) =>
  reduce(INITIAL, { type: "form_opened", form: FORM, responses, local, marks });
const event = (slot, seq, response = ["a"]) => ({ slot, seq, response, client_time: "2026-11-21T06:00:00Z" });

const bytes = (hex) => Uint8Array.from(hex.match(/../g), (pair) => parseInt(pair, 16));
const hex = (data) => Buffer.from(data).toString("hex");

describe("rescue file", () => {
  test("sealing gives the published result of RFC 8439", () => {
    const key = Uint8Array.from({ length: 32 }, (_, i) => 0x80 + i);
    const text = "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it.";
    const sealed = hex(seal(key, bytes("070000004041424344454647"), new TextEncoder().encode(text), bytes("50515253c0c1c2c3c4c5c6c7")));
    assert.ok(sealed.startsWith("d31a8d34648e60db7b86afbc53ef7ec2"));
    assert.ok(sealed.endsWith("1ae10b594f09e26a7e902ecbd0600691"));
  });

  test("what was sealed opens again, and a single changed bit is refused", () => {
    const [key, nonce, bound] = [new Uint8Array(32).fill(7), new Uint8Array(12), new Uint8Array([1, 2])];
    [0, 1, 15, 16, 64, 65, 5000].forEach((n) => {
      const text = Uint8Array.from({ length: n }, (_, i) => i % 251);
      const sealed = seal(key, nonce, text, bound);
      assert.deepEqual(open(key, nonce, sealed, bound), text);
      [0, sealed.length - 1, sealed.length >> 1].forEach((at) => {
        const changed = sealed.slice();
        changed[at] ^= 1;
        assert.equal(open(key, nonce, changed, bound), null);
      });
      assert.equal(open(key, nonce, sealed, new Uint8Array([1, 3])), null);
    });
  });

  test("texts of every length are sealed, empty ones too", () => {
    const key = new Uint8Array(32);
    [0, 1, 15, 16, 17, 63, 64, 65, 1000].forEach((n) => {
      assert.equal(seal(key, new Uint8Array(12), new Uint8Array(n), new Uint8Array(0)).length, n + 16);
    });
  });

  test("the newest answer of each slot goes into the file, from disk and memory", () => {
    const found = newest([event(2, 4), event(1, 1)], [event(1, 3, ["b"])], []);
    assert.deepEqual(found.map((e) => [e.slot, e.seq]), [[1, 3], [2, 4]]);
  });

  test("the outside of a file tells whose it is and nothing of the answers", () => {
    const text = rescueText({ attempt: "a-1", rescue: { key: btoa("k".repeat(32)), generation: 2 }, events: [event(1, 1, ["geheim"])], madeAt: "m", random: (b) => b });
    const file = JSON.parse(text);
    assert.deepEqual([file.format, file.attempt_id, file.generation, file.made_at], ["kaoku-rescue/1", "a-1", 2, "m"]);
    assert.ok(!text.includes("geheim") && !atob(file.sealed).includes("geheim"));
  });
});

describe("leaving the page", () => {
  const seen = { hidden: false, focused: true, fullScreen: false };

  function watched(conduct = {}) {
    const at = { now: 100000, seen: { ...seen } };
    const [kept, sent, returned] = [new Map(), [], []];
    const outbox = { keep: (_, seq, value) => kept.set(seq, value), drop: (_, seq) => kept.delete(seq), kept: async () => [] };
    const api = { fails: false, leaves: async (_, events) => {
      if (api.fails) throw new ApiError(0, "network");
      sent.push(...events);
      return { acknowledged: events.map((e) => e.seq), n_leaves: sent.length, hold: null };
    } };
    const rules = { leave_action: "warn", leave_grace_seconds: 2, full_screen: false, ...conduct };
    const leaving = createLeaving({ store: createStore(opened()), api, outbox, clock: { now: () => at.now, monotonic: () => at.now },
      attempt: "a", conduct: rules, look: () => at.seen, onReturn: (kind) => returned.push(kind) });
    const pass = async (milliseconds) => {
      for (let left = milliseconds; left > 0; left -= 250) {
        at.now += 250;
        leaving.tick();
        await Promise.resolve();
        await new Promise((resolve) => setTimeout(resolve, 0));
      }
    };
    return { at, kept, sent, returned, api, leaving, pass };
  }

  test("is told at once and again on return, with how long", async () => {
    const page = watched();
    page.at.seen = { ...seen, hidden: true };
    await page.pass(5000);
    page.at.seen = seen;
    await page.pass(4000);
    assert.deepEqual(page.sent.map((e) => [e.kind, e.seconds]), [["hidden", 0], ["returned", 5]]);
    assert.deepEqual(page.returned, ["hidden"]);
    assert.equal(page.kept.size, 0);
  });

  test("shorter than the grace is none", async () => {
    const page = watched();
    page.at.seen = { ...seen, focused: false };
    await page.pass(1500);
    page.at.seen = seen;
    await page.pass(4000);
    assert.deepEqual([page.sent, page.returned], [[], []]);
  });

  test("without a network stays on this computer and is sent later, once", async () => {
    const page = watched();
    page.api.fails = true;
    page.at.seen = { ...seen, focused: false };
    await page.pass(8000);
    assert.equal(page.kept.size, 1);
    page.api.fails = false;
    await page.pass(8000);
    assert.deepEqual(page.sent.map((e) => e.kind), ["blurred"]);
  });

  test("to save a file is excused; full screen counts only once it was there", async () => {
    const page = watched({ full_screen: true });
    page.leaving.excuse();
    page.at.seen = { ...seen, focused: false };
    await page.pass(8000);
    page.at.seen = seen;
    await page.pass(8000);
    assert.deepEqual(page.sent, []);
    page.at.seen = { ...seen, fullScreen: true };
    await page.pass(1000);
    page.at.seen = seen;
    await page.pass(4000);
    assert.deepEqual(page.sent.map((e) => e.kind), ["windowed"]);
  });

  test("is nobody's business where the rules say so", async () => {
    const page = watched({ leave_action: "off" });
    page.at.seen = { ...seen, hidden: true };
    await page.pass(8000);
    assert.equal(page.kept.size, 0);
  });
});

describe("calculator", () => {
  const cases = [
    ["0.1+0.2", "0.3"], ["1÷3×3", "1"], ["2+3×4", "14"], ["(2+3)×4", "20"], ["-2²", "-4"], ["√16+√2", "5.41421356237"], ["50%×80", "40"],
    ["10÷4", "2.5"], ["2÷3", "0.666666666667"], ["0.1×3-0.3", "0"], ["1÷0.25", "4"], ["√0.25", "0.5"], ["3.14×40×500÷1000", "62.8"],
    ["π×2²", "12.5663706144"], ["－３．５＋１", "-2.5"], ["9999999999999×9", "89999999999991"], [".5+.5", "1"], ["1/4*8", "2"], ["--3", "3"], ["1÷1000000", "0.000001"],
  ];
  cases.forEach(([text, wanted]) => test(`${text} is ${wanted}`, () => assert.equal(compute(text), wanted)));

  [["1÷0", "zero"], ["√-4", "root"], ["2+", "incomplete"], ["(1+2", "incomplete"], ["1+2)", "incomplete"], ["2 3", "incomplete"], ["", "incomplete"], ["1;alert(1)", "incomplete"]].forEach(([text, code]) =>
    test(`"${text}" is refused as ${code}`, () => assert.throws(() => compute(text), { code })));
});

describe("a pause or a lock", () => {
  test("keeps everybody from answering until the server says otherwise", () => {
    const hold = { kind: "locked", since: "s", reason: "" };
    const held = reduce(opened(), { type: "timing", hold });
    assert.equal(mayAnswer(held), false);
    assert.equal(reduce(held, { type: "timing", hold: { ...hold } }), held);
    assert.equal(reduce(held, { type: "timing" }).hold, held.hold);
    assert.equal(mayAnswer(reduce(held, { type: "timing", hold: null })), true);
  });
});

describe("responses", () => {
  test("empty lists, empty strings and blanks count as not answered", () => {
    [undefined, [], [""], ["  ", ""]].forEach((response) => assert.equal(isAnswered(response), false));
    [["b"], ["", "铁"], [["A", "1"]]].forEach((response) => assert.equal(isAnswered(response), true));
  });

  test("the greater sequence number wins slot by slot and only unsent answers are pending", () => {
    const merged = mergeResponses({ 1: { seq: 5, response: ["a"] }, 2: { seq: 2, response: ["b"] } }, [event(1, 4, ["x"]), event(2, 7, ["c"])]);
    assert.deepEqual(merged.answers[1], { seq: 5, response: ["a"] });
    assert.deepEqual(merged.answers[2], { seq: 7, response: ["c"] });
    assert.deepEqual(merged.pending, { 2: 7 });
    assert.deepEqual(merged.stale.map((e) => e.slot), [1]);
    assert.equal(merged.seq, 7);
  });

  test("full-width digits are read as numbers", () => {
    assert.equal(normaliseNumber(" －３．５ "), "-3.5");
    ["3.5", "-2", "1/3", "6e-4", ".5"].forEach((text) => assert.ok(looksNumeric(text), text));
    ["约3", "3 mm", "..", "-"].forEach((text) => assert.ok(!looksNumeric(text), text));
  });
});

describe("state", () => {
  test("every change takes the next sequence number, also after a reload", () => {
    let state = opened({ 1: { seq: 9, response: ["a"] } }, [event(2, 12)]);
    state = reduce(state, { type: "answered", slot: 3, response: ["b"] });
    assert.equal(state.answers[3].seq, 13);
    assert.deepEqual(state.pending, { 2: 12, 3: 13 });
  });

  test("a newer sign-in numbers above everything that an older machine may hold", () => {
    let state = opened({ 1: { seq: 9, response: ["a"] } }, []);
    state = reduce(state, { type: "set", values: { signIn: { first_seq: 2 << 20 } } });
    state = reduce(state, { type: "answered", slot: 1, response: ["b"] });
    state = reduce(state, { type: "answered", slot: 1, response: ["c"] });
    assert.deepEqual(state.pending, { 1: (2 << 20) + 2 });
  });

  test("an answer is saved only when its own sequence number is acknowledged", () => {
    let state = reduce(opened(), { type: "answered", slot: 1, response: ["a"] });
    state = reduce(state, { type: "answered", slot: 1, response: ["b"] });
    state = reduce(state, { type: "acknowledged", acknowledged: { 1: 1 } });
    assert.equal(safety(state, 1), "saving");
    state = reduce(state, { type: "acknowledged", acknowledged: { 1: 2 } });
    assert.equal(safety(state, 1), "saved");
  });

  test("what the server knows never replaces an unsent change", () => {
    let state = reduce(opened({ 1: { seq: 3, response: ["a"] } }), { type: "answered", slot: 1, response: ["b"] });
    state = reduce(state, { type: "responses", responses: { 1: { seq: 3, response: ["a"] }, 2: { seq: 8, response: ["c"] } } });
    assert.deepEqual(state.answers[1].response, ["b"]);
    assert.deepEqual(state.answers[2].response, ["c"]);
    assert.equal(reduce(state, { type: "answered", slot: 3, response: ["d"] }).answers[3].seq, 9);
  });

  test("the words for safety follow the connection and the storage", () => {
    let state = reduce(opened(), { type: "answered", slot: 1, response: ["a"] });
    assert.equal(safety(state, 2), "none");
    state = reduce(state, { type: "link", link: "offline", at: 10 });
    assert.equal(safety(state, 1), "local");
    assert.equal(safety({ ...state, durable: false }, 1), "page");
    assert.equal(safety(reduce(state, { type: "refused", slot: 1, seq: 1 }), 1), "refused");
  });

  test("an outage counts from its beginning, not from its latest failure", () => {
    let state = reduce(INITIAL, { type: "link", link: "offline", at: 10 });
    state = reduce(state, { type: "link", link: "busy", at: 99 });
    assert.equal(state.offlineSince, 10);
    assert.equal(reduce(state, { type: "link", link: "online", at: 120 }).offlineSince, null);
  });

  test("a later deadline is noticed as an extension, an earlier one is only obeyed", () => {
    let state = reduce(INITIAL, { type: "timing", deadline_at: "2026-11-21T07:00:00Z" });
    assert.equal(state.extension, null);
    state = reduce(state, { type: "timing", deadline_at: "2026-11-21T07:10:00+00:00" });
    assert.equal(state.extension.minutes, 10);
    state = reduce(state, { type: "timing", deadline_at: "2026-11-21T07:05:00Z" });
    assert.equal(state.deadlineAt, "2026-11-21T07:05:00Z");
  });

  test("open and marked items are listed by section", () => {
    const state = opened({ 1: { seq: 1, response: ["a"] } }, [], [3]);
    assert.deepEqual(counts(state), { n: 3, answered: 1, open: 2, marked: 1 });
    assert.deepEqual(unfinished(state).map((section) => section.openSlots), [[2], [3]]);
    assert.deepEqual([neighbour(state, -1), neighbour(state, 1)], [null, 2]);
  });

  test("an unchanged state is the same object, so nothing is drawn again", () => {
    const state = reduce(INITIAL, { type: "timing", deadline_at: "2026-11-21T07:00:00Z", status: "in_progress" });
    assert.equal(reduce(state, { type: "timing", deadline_at: "2026-11-21T07:00:00Z", status: "in_progress" }), state);
    assert.throws(() => reduce(state, { type: "no such" }));
  });
});

describe("clock", () => {
  test("the sample with the shortest round trip decides", () => {
    let now = 1000;
    const clock = createClock(() => now);
    clock.sample("2026-11-21T06:00:00.000Z", 0, 1000);
    clock.sample("2026-11-21T06:00:00.600Z", 980, 1000);
    assert.equal(clock.now(), parseInstant("2026-11-21T06:00:00.610Z"));
    clock.sample("2026-11-21T06:00:00.700Z", 800, 1200);
    now = 2000;
    assert.equal(clock.now(), parseInstant("2026-11-21T06:00:01.610Z"));
  });

  test("a computer that slept is corrected by the next answer", () => {
    const clock = createClock(() => 2000);
    clock.sample("2026-11-21T06:00:00Z", 990, 1000);
    clock.sample("2026-11-21T06:30:00Z", 1800, 2000);
    assert.equal(clock.now(), parseInstant("2026-11-21T06:30:00.100Z"));
  });

  test("microseconds are read and spans are rounded up", () => {
    assert.equal(parseInstant("2026-11-21T06:00:00.123456+00:00"), Date.UTC(2026, 10, 21, 6, 0, 0, 123));
    assert.deepEqual([formatSpan(3600000), formatSpan(59001), formatSpan(-5)], ["1:00:00", "01:00", "00:00"]);
  });

  test("time is announced once at each set point", () => {
    assert.equal(crossed(1800500, 1799900), 30);
    assert.equal(crossed(1799900, 1799600), null);
    assert.equal(crossed(700000, 250000), 5);
    assert.equal(crossed(null, 250000), null);
  });
});

describe("keyboard", () => {
  test("digits and letters name options, keys typed into fields stay there", () => {
    assert.deepEqual(["1", "9", "a", "h", "i", "0"].map(optionIndex), [0, 8, 0, 7, -1, -1]);
    const element = (tagName, type) => ({ tagName, getAttribute: () => type });
    assert.ok(isTyping(element("INPUT", "text")) && isTyping(element("TEXTAREA", null)) && isTyping(element("SELECT", null)));
    assert.ok(!isTyping(element("INPUT", "radio")) && !isTyping(element("BUTTON", null)));
  });

  test("a Chinese input method does not swallow the keys", () => {
    assert.equal(keyOf({ key: "Process", code: "KeyN" }), "n");
    assert.equal(keyOf({ key: "？", code: "Slash" }), "?");
    assert.equal(keyOf({ key: "Enter", code: "Enter" }), "");
  });
});

async function bench(save, responses = async () => ({ responses: {}, status: "in_progress" })) {
  const time = { now: 0 };
  const sent = [];
  const closed = [];
  const store = createStore(opened());
  const outbox = await openOutbox({ attempt: "a", factory: null });
  const api = { save: async (attempt, events) => (sent.push(events.map((e) => [e.slot, e.seq])), save(events, sent.length)), responses };
  const sync = createSync({ api, outbox, store, attempt: "a", onClosed: () => closed.push(1), monotonic: () => time.now, random: () => 1 });
  const pass = async (milliseconds) => {
    for (let step = 0; step < milliseconds; step += 100) {
      time.now += 100;
      sync.tick();
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  return { store, sync, sent, pass, closed, time };
}

const acknowledge = (events) => ({ acknowledged: Object.fromEntries(events.map((e) => [e.slot, e.seq])), deadline_at: null });
const refuse = (status, code) => Promise.reject(new ApiError(status, code));

describe("answer protocol", () => {
  test("changes of one slot within the pause go as one event, the newest", async () => {
    const { sync, sent, pass, store } = await bench(acknowledge);
    ["a", "b", "c"].forEach((choice) => sync.record(1, [choice]));
    sync.record(2, ["x"]);
    await pass(700);
    assert.deepEqual(sent, []);
    await pass(300);
    assert.deepEqual(sent, [[[1, 3], [2, 4]]]);
    assert.deepEqual(store.get().pending, {});
  });

  test("one save is under way at a time and a change made meanwhile is not lost", async () => {
    let release;
    const { sync, sent, pass, store } = await bench((events, n) => (n === 1 ? new Promise((resolve) => {
      release = () => resolve(acknowledge(events));
    }) : acknowledge(events)));
    sync.record(1, ["a"]);
    await pass(1000);
    sync.record(1, ["b"]);
    await pass(2000);
    assert.equal(sent.length, 1);
    release();
    await pass(1000);
    assert.deepEqual(sent, [[[1, 1]], [[1, 2]]]);
    assert.deepEqual(store.get().pending, {});
  });

  test("a lost acknowledgement is answered by sending the very same event again", async () => {
    const { sync, sent, pass, store } = await bench((events, n) => (n < 3 ? refuse(0, "network") : acknowledge(events)));
    sync.record(1, ["a"]);
    await pass(1000);
    assert.equal(store.get().link, "offline");
    assert.equal(safety(store.get(), 1), "local");
    await pass(5000);
    assert.deepEqual(sent, [[[1, 1]], [[1, 1]], [[1, 1]]]);
    assert.equal(store.get().link, "online");
    assert.equal(safety(store.get(), 1), "saved");
  });

  test("pauses grow to a limit while the server is away", async () => {
    const { sync, sent, pass } = await bench(() => refuse(503, "busy"));
    sync.record(1, ["a"]);
    await pass(60000);
    assert.ok(sent.length >= 10 && sent.length <= 16, String(sent.length));
  });

  test("a server that can be read but refuses saves is not called online", async () => {
    const { sync, pass, store } = await bench(() => refuse(503, "busy"));
    sync.record(1, ["a"]);
    await pass(30000);
    assert.equal(store.get().link, "busy");
  });

  test("one event that the server cannot read does not hold up the others", async () => {
    const { sync, pass, store } = await bench((events) => (events.some((e) => e.slot === 2) ? refuse(422, "invalid_input") : acknowledge(events)));
    [1, 2, 3].forEach((slot) => sync.record(slot, ["a"]));
    await pass(6000);
    assert.deepEqual([1, 2, 3].map((slot) => safety(store.get(), slot)), ["saved", "refused", "saved"]);
  });

  test("durable answers read from the server settle what was never acknowledged", async () => {
    const { sync, pass, store } = await bench(() => refuse(503, "busy"), async () => ({ responses: { 1: { seq: 1, response: ["a"] } }, status: "in_progress" }));
    sync.record(1, ["a"]);
    await pass(12000);
    assert.deepEqual(store.get().pending, {});
    assert.deepEqual(sync.unsent(), []);
  });

  test("a stale conflict is settled by what the server holds", async () => {
    const { sync, pass, store } = await bench(() => refuse(409, "stale_response"), async () => ({ responses: { 1: { seq: 8, response: ["z"] } }, status: "in_progress" }));
    sync.record(1, ["a"]);
    await pass(3000);
    assert.deepEqual(store.get().pending, {});
    assert.deepEqual(store.get().answers[1].response, ["z"]);
  });

  test("a page that lost the attempt sends nothing more", async () => {
    const { sync, sent, pass, store } = await bench(() => refuse(409, "attempt_taken_over"));
    sync.record(1, ["a"]);
    await pass(20000);
    assert.equal(store.get().lock, "taken_over");
    assert.equal(sent.length, 1);
  });

  test("after the login ended sending waits for the next sign-in", async () => {
    let signedIn = false;
    const { sync, sent, pass, store } = await bench((events) => (signedIn ? acknowledge(events) : refuse(401, "signed_out")));
    sync.record(1, ["a"]);
    await pass(10000);
    assert.equal(sent.length, 1);
    assert.equal(store.get().auth, "expired");
    signedIn = true;
    store.dispatch({ type: "set", values: { auth: "ok" } });
    sync.retry();
    await pass(500);
    assert.equal(safety(store.get(), 1), "saved");
  });

  test("a closed attempt is reported once by a save and by a heartbeat", async () => {
    const one = await bench(() => refuse(410, "attempt_closed"));
    one.sync.record(1, ["a"]);
    await one.pass(1000);
    assert.equal(one.closed.length, 1);
    const other = await bench(acknowledge, async () => ({ responses: {}, status: "submitted" }));
    await other.pass(8200);
    assert.equal(other.closed.length, 1);
  });

  test("many answers kept through an outage drain in few calls", async () => {
    let down = true;
    const { sync, sent, pass, store } = await bench((events) => (down ? refuse(0, "network") : acknowledge(events)));
    for (let slot = 1; slot <= 450; slot += 1) sync.record(slot, ["a"]);
    await pass(3000);
    down = false;
    const before = sent.length;
    await pass(5000);
    assert.deepEqual(store.get().pending, {});
    assert.ok(sent.length - before <= 3, String(sent.length - before));
  });
});

describe("Safe Exam Browser", () => {
  const calls = [];
  const answer = { ok: true, json: async () => ({ server_time: "2026-11-21T06:00:00Z" }) };
  const api = createApi({ clock: createClock(), fetcher: async (url, init) => (calls.push(init.headers), answer) });
  const proofOf = async (keys) => {
    globalThis.SafeExamBrowser = keys && { security: keys };
    globalThis.location = { href: "https://exam.example.cn/exam/#top" };
    await api.start("a");
    delete globalThis.SafeExamBrowser;
    const sent = calls.pop();
    return [sent["X-Kaoku-Seb-Page"], sent["X-Kaoku-Seb-Config"], sent["X-Kaoku-Seb-Exam"]];
  };

  test("its hashes go with every call, without the fragment of the address", async () => {
    const page = "https://exam.example.cn/exam/";
    assert.deepEqual(await proofOf({ configKey: "c", browserExamKey: "b" }), [page, "c", "b"]);
    const older = { updateKeys(done) { this.configKey = "later"; done(); } };
    assert.deepEqual(await proofOf(older), [page, "later", ""]);
  });

  test("on a Mac the keys are read as soon as the function of that name is called", async (context) => {
    context.mock.timers.enable({ apis: ["setTimeout"] }); // patience never ends
    const mac = { configKey: "", updateKeys({ name }) { setImmediate(() => { this.configKey = "mac"; globalThis[name](); }); } };
    assert.deepEqual(await proofOf(mac), ["https://exam.example.cn/exam/", "mac", ""]);
  });

  test("other browsers send nothing", async () => {
    assert.deepEqual(await proofOf(null), [undefined, undefined, undefined]);
    assert.deepEqual(await proofOf({}), [undefined, undefined, undefined]);
  });

  test("answers refused outside it wait on this computer and go on after an exemption", async () => {
    const store = createStore(opened());
    const refuses = { save: async () => { throw new ApiError(403, "lockdown_required"); }, responses: async () => ({ status: "in_progress", responses: {} }) };
    const outbox = { put: async () => {}, isStored: () => true, remove() {} };
    const sync = createSync({ api: refuses, outbox, store, attempt: "a", onClosed() {}, monotonic: () => 0, random: () => 0 });
    sync.record(1, ["a"]);
    await sync.flush();
    assert.deepEqual([store.get().outside, Object.keys(store.get().pending), mayAnswer(store.get())], [true, ["1"], true]);
    refuses.save = async (id, events) => ({ acknowledged: { 1: events[0].seq } });
    await sync.flush();
    assert.deepEqual([store.get().outside, Object.keys(store.get().pending)], [false, []]);
  });
});
