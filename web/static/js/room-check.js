/* The check of one seat: measures, hands the figures in, shows what they mean. Syntax stays within Chromium 86. */
import { measureNetwork, measureScreen, measureStorage } from "./room-check-measures.js";

const form = document.querySelector("[data-room-check]");
const result = document.querySelector("[data-room-check-result]");

function element(name, text, className = "") {
  const made = document.createElement(name);
  made.textContent = text;
  if (className) made.className = className;
  return made;
}

/** What proves Safe Exam Browser is the exam page's own business; where that page is not served here, there is nothing to prove. */
async function proof() {
  try {
    const { sebHeaders } = await import("/exam/assets/seb.js");
    return await sebHeaders();
  } catch (error) {
    return {};
  }
}

async function handIn(seat, figures) {
  const headers = { "Content-Type": "application/json", Accept: "application/json", "X-CSRFToken": form.dataset.csrf, ...(await proof()) };
  const response = await fetch(form.dataset.seats + seat, { method: "POST", headers, body: JSON.stringify(figures) });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.message || String(response.status));
  return answer;
}

function factLines(figures) {
  const { roundTrip, skew, storage, screen, unknown, seconds, milliseconds } = form.dataset;
  const trips = [...figures.round_trips_ms].sort((a, b) => a - b);
  const middle = trips.length ? `${trips[Math.floor(trips.length / 2)]} ${milliseconds}` : "—";
  return [
    [roundTrip, middle], [skew, `${Math.abs(figures.clock_skew_ms / 1000).toFixed(1)} ${seconds}`],
    [storage, figures.storage_mb < 0 ? unknown : `${figures.storage_mb} MB`], [screen, `${figures.width} × ${figures.height}`],
  ];
}

function facts(figures) {
  const list = element("dl", "", "terms terms-2");
  factLines(figures).forEach(([name, value]) => {
    const pair = element("div", "");
    pair.append(element("dt", name), element("dd", value));
    list.append(pair);
  });
  return list;
}

function show(answer, figures) {
  const { ready, notReady, blocks, hints } = form.dataset;
  result.replaceChildren(element("p", answer.is_ready ? ready : notReady, `notice notice-${answer.is_ready ? "success" : "danger"}`));
  const list = element("ul", "", "plain-list");
  answer.findings.forEach((one) => list.append(element("li", `${one.is_blocking ? blocks : hints}：${one.text}。${one.todo}`)));
  result.append(list, facts(figures));
}

async function check() {
  const button = form.querySelector("button");
  button.disabled = true;
  result.replaceChildren(element("p", form.dataset.running, "notice notice-info"));
  try {
    const device = form.elements.device.value;
    const figures = { device, ...(await measureNetwork(form.dataset.clock)), ...(await measureStorage()), ...measureScreen() };
    show(await handIn(form.elements.seat.value, figures), figures);
  } catch (error) {
    const told = error instanceof TypeError || !error.message ? form.dataset.failed : error.message;
    result.replaceChildren(element("p", told, "notice notice-danger"));
  }
  button.disabled = false;
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  check();
});
