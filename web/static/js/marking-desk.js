/* The marker's form by keyboard: Enter goes from scoring point to scoring point and then saves, arrows step, points add
   up to the total, marks outside the range are refused at once. Opening it takes the answer; drafts go to the server. */
const KEEP_AFTER_MS = 1200;
const AGAIN_AFTER_MS = 5000;
const numberOf = (input) => (/^\d+(\.\d+)?$/.test(input.value.trim()) ? Number(input.value) : NaN);

export default function markingDesk(form) {
  const points = Array.from(form.querySelectorAll("[data-criterion]"));
  const total = form.querySelector("[name=score]");
  const note = form.querySelector("[data-draft-state]");
  let timer = 0;
  let isDirty = true;

  function check(input) {
    const value = numberOf(input);
    const isWrong = input.value.trim() !== "" && !(value >= 0 && value <= Number(input.dataset.max));
    input.setCustomValidity(isWrong ? form.dataset.range.replace("{max}", input.dataset.max) : "");
  }

  function sum() {
    const given = points.map(numberOf);
    if (given.length && !given.some(Number.isNaN)) total.value = String(given.reduce((one, other) => one + other, 0));
    check(total);
  }

  function step(input, way) {
    const next = (numberOf(input) || 0) + way * Number(form.dataset.step);
    input.value = String(Math.min(Number(input.dataset.max), Math.max(0, next)));
    input.dispatchEvent(new Event("input", { bubbles: true }));
  }

  function confirm(input) {
    if (!input.reportValidity()) return;
    const next = points[points.indexOf(input) + 1];
    if (!next) form.requestSubmit(form.querySelector("button:not([name])"));
    else {
      next.focus();
      next.select();
    }
  }

  async function keep() {
    if (!form.dataset.draft || !isDirty) return;
    isDirty = false;
    try {
      const response = await fetch(form.dataset.draft, { method: "POST", body: new FormData(form) });
      if (!response.ok) throw new Error(response.statusText);
      const answer = await response.json();
      note.textContent = answer.text;
      note.classList.toggle("field-error", answer.state === "lost");
    } catch (error) {
      note.textContent = form.dataset.unsaved;
      isDirty = true;
      timer = setTimeout(keep, AGAIN_AFTER_MS);
    }
  }

  form.addEventListener("input", (event) => {
    if (event.target.dataset.max) check(event.target);
    if (points.includes(event.target)) sum();
    isDirty = true;
    clearTimeout(timer);
    timer = setTimeout(keep, KEEP_AFTER_MS);
  });
  form.addEventListener("keydown", (event) => {
    const input = event.target;
    const ways = { ArrowUp: 1, ArrowDown: -1 };
    if (!input.dataset.max || !(event.key in ways || (event.key === "Enter" && points.includes(input)))) return;
    event.preventDefault();
    if (event.key === "Enter") confirm(input);
    else step(input, ways[event.key]);
  });
  form.addEventListener("submit", () => { isDirty = false; clearTimeout(timer); });
  keep();
  window.addEventListener("pagehide", () => {
    if (isDirty && form.dataset.draft) navigator.sendBeacon(form.dataset.draft, new FormData(form));
  });
}
