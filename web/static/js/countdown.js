/* Time left by the server's clock: data-now is its time when the page was made, the monotonic clock goes on from there. */
function pad(number) {
  return String(number).padStart(2, "0");
}

export function formatDuration(seconds, pattern) {
  const days = Math.floor(seconds / 86400);
  const clock = [Math.floor(seconds / 3600) % 24, Math.floor(seconds / 60) % 60, seconds % 60].map(pad).join(":");
  return days > 0 ? pattern.replace("{n}", days).replace("{time}", clock) : clock;
}

export default function countdown(element) {
  const span = Date.parse(element.dataset.deadline) - Date.parse(element.dataset.now);
  const start = performance.now();

  function tick() {
    const left = Math.max(0, Math.ceil((span - (performance.now() - start)) / 1000));
    element.textContent = left > 0 ? formatDuration(left, element.dataset.days) : element.dataset.over;
    element.classList.toggle("is-late", left === 0);
    if (left > 0) return;
    clearInterval(timer);
    element.dispatchEvent(new CustomEvent("kaoku:deadline", { bubbles: true }));
  }

  const timer = setInterval(tick, 500);
  tick();
}
