/* Sends a form to data-preview-url shortly after typing stops and shows the answer in data-preview-target. */
export default function livePreview(form) {
  const target = document.querySelector(form.dataset.previewTarget);
  let timer = 0;
  let request = null;

  async function refresh() {
    if (request) request.abort();
    request = new AbortController();
    busy(true);
    try {
      const response = await fetch(form.dataset.previewUrl, {
        method: "POST", body: new FormData(form), headers: { "HX-Request": "true" }, signal: request.signal,
      });
      if (response.ok) {
        target.innerHTML = await response.text();
        target.dispatchEvent(new CustomEvent("kaoku:inserted", { bubbles: true }));
      }
      busy(false);
    } catch (error) {
      if (error.name !== "AbortError") busy(false);
    }
  }

  /* What stands there stays readable while the new answer is on its way: no fading. */
  function busy(on) {
    target.classList.toggle("is-busy", on);
    target.setAttribute("aria-busy", String(on));
  }

  function schedule() {
    clearTimeout(timer);
    timer = setTimeout(refresh, 400);
  }

  form.addEventListener("input", schedule);
  form.addEventListener("change", schedule);
  refresh();
}
