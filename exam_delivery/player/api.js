/** Calls of the candidate API; every failure becomes an `ApiError`, every answer feeds the clock. */
import { sebHeaders } from "./seb.js";

/** A call that was refused (`status` of the answer) or never answered (`status` 0, code `network` or `timeout`). */
export class ApiError extends Error {
  constructor(status, code, message, details) {
    super(message || code);
    this.status = status;
    this.code = code;
    this.details = details || {};
  }

  /** Whether trying the same call again later may work. */
  get passing() {
    return this.status === 0 || this.status === 408 || this.status === 429 || this.status >= 500;
  }

  /** What the page keeps in mind until a call is answered again: the sign-in ended, or this is not the browser of the exam. */
  get tells() {
    if (this.status === 401) return { auth: "expired" };
    return this.code === "lockdown_required" ? { outside: true } : null;
  }
}

/** Wait longer after each failed try, never in step with other candidates. */
export function backOff(tries) {
  const milliseconds = Math.min(8000, 1000 * 2 ** tries) * (0.5 + Math.random() / 2);
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

async function refusal(response) {
  const body = await response.json().catch(() => ({}));
  return new ApiError(response.status, body.error || `http_${response.status}`, body.message || "", body.details);
}

/**
 * @param {{clock: ReturnType<import("./clock.js").createClock>, language?: () => string, base?: string,
 *   fetcher?: typeof fetch}} options
 */
export function createApi({ clock, language = () => "zh-Hans", base = "/api/v1/exam", fetcher }) {
  const send = fetcher || ((url, init) => fetch(url, init));
  let token = "";

  function request(method, body, options, proof) {
    const headers = { Accept: "application/json", "Accept-Language": language(), ...proof };
    if (token) headers.Authorization = `Bearer ${token}`;
    if (body !== undefined) headers["Content-Type"] = "application/json";
    const text = body === undefined ? undefined : JSON.stringify(body);
    return { method, headers, body: text, cache: "no-store", credentials: "omit", keepalive: Boolean(options.keepalive) };
  }

  async function call(method, path, body, options = {}) {
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(), options.timeout || 10000);
    const sentAt = clock.monotonic();
    try {
      const proof = sebHeaders();
      const made = request(method, body, options, proof.then ? await proof : proof);
      const response = await send(base + path, { ...made, signal: abort.signal });
      const receivedAt = clock.monotonic();
      if (!response.ok) throw await refusal(response);
      if (options.binary) return await response.arrayBuffer();
      const answer = await response.json();
      clock.sample(answer.server_time, sentAt, receivedAt);
      return answer;
    } catch (error) {
      if (error instanceof ApiError) throw error;
      throw new ApiError(0, abort.signal.aborted ? "timeout" : "network", String(error));
    } finally {
      clearTimeout(timer);
    }
  }

  const wire = ({ slot, seq, response, client_time }) => ({ slot, seq, response, client_time });
  const at = (attempt, tail) => `/attempts/${encodeURIComponent(attempt)}/${tail}`;
  return {
    setToken(value) {
      token = value;
    },
    signIn: (admissionNumber, idNumber) =>
      call("POST", "/sign-in", { admission_number: admissionNumber, id_number: idNumber }),
    start: (attempt) => call("POST", at(attempt, "start"), {}),
    sealedForm: (attempt) => call("GET", at(attempt, "sealed-form"), undefined, { timeout: 30000, binary: true }),
    form: (attempt) => call("GET", at(attempt, "form"), undefined, { timeout: 30000 }),
    responses: (attempt) => call("GET", at(attempt, "responses"), undefined, { timeout: 5000 }),
    save: (attempt, events, keepalive) =>
      call("PUT", at(attempt, "responses"), { events: events.map(wire) }, { timeout: 8000, keepalive }),
    leaves: (attempt, events) => call("POST", at(attempt, "leaves"), { events }, { timeout: 8000, keepalive: true }),
    submit: (attempt) => call("POST", at(attempt, "submit"), {}, { timeout: 15000 }),
  };
}
