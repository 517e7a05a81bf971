/* Shows a job's progress until it ends; asks less often while it is long. Leaving the page does not stop the job. */
export default function jobProgress(section) {
  const bar = section.querySelector("progress");
  const percent = section.querySelector("[data-job-percent]");
  const message = section.querySelector("[data-job-message]");
  const result = section.querySelector("[data-job-result]");
  const cancel = section.querySelector("[data-job-cancel]");
  let wait = 700;

  function show(job) {
    const text = job.error || job.text;
    bar.value = job.percent;
    percent.textContent = `${job.percent}%`;
    if (text && message.textContent !== text) message.textContent = text;
  }

  function finish(job) {
    if (cancel) cancel.hidden = true;
    if (job.result_url) {
      result.href = job.result_url;
      result.hidden = false;
    }
    section.dispatchEvent(new CustomEvent("kaoku:job-ended", { bubbles: true, detail: job }));
  }

  async function ask() {
    try {
      const response = await fetch(section.dataset.url, { headers: { Accept: "application/json" } });
      return response.ok ? await response.json() : null;
    } catch (error) {
      if (error instanceof TypeError) return null;
      throw error;
    }
  }

  async function poll() {
    const job = await ask();
    if (job) show(job);
    if (job && !job.is_open) {
      finish(job);
      return;
    }
    wait = Math.min(wait * 1.15, 5000);
    setTimeout(poll, wait);
  }

  poll();
}
