/* Shows a job's progress until it ends; asks less often while it is long. Leaving the page does not stop the job. */
const ENDED = ["succeeded", "failed", "cancelled"];

export default function jobProgress(section) {
  const bar = section.querySelector("progress");
  const figures = section.querySelector(".progress-text .number");
  const message = section.querySelector("[data-job-message]");
  const result = section.querySelector("[data-job-result]");
  const cancel = section.querySelector("[data-job-cancel]");
  let wait = 700;

  function show(job) {
    const total = job.total || 0;
    bar.max = total || 1;
    bar.value = total ? job.done : 0;
    figures.textContent = total ? `${job.done} / ${total} · ${Math.round((100 * job.done) / total)}%` : "";
    if (job.message && message.textContent !== job.message) message.textContent = job.message;
  }

  function finish(job) {
    if (cancel) cancel.hidden = true;
    if (job.result_href) {
      result.href = job.result_href;
      result.hidden = false;
    }
    section.dispatchEvent(new CustomEvent("kaoku:job-ended", { bubbles: true, detail: job }));
  }

  async function poll() {
    let job = null;
    try {
      const response = await fetch(section.dataset.url, { headers: { Accept: "application/json" } });
      if (response.ok) job = await response.json();
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
    }
    if (job) show(job);
    if (job && ENDED.includes(job.state)) {
      finish(job);
      return;
    }
    wait = Math.min(wait * 1.15, 5000);
    setTimeout(poll, wait);
  }

  poll();
}
