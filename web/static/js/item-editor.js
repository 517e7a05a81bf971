/* Pictures in the item form: uploaded at once and inserted where the cursor was; pasting a picture does the same. */
import { showToast } from "./toast.js";

const form = document.getElementById("item-form");
const button = form && form.querySelector("[data-insert-picture]");
let field = null;

function target() {
  return field || form.querySelector('textarea[name="stem"]');
}

function insert(markup) {
  const area = target();
  area.setRangeText(markup, area.selectionStart, area.selectionEnd, "end");
  area.focus();
  area.dispatchEvent(new Event("input", { bubbles: true }));
}

async function upload(file) {
  const body = new FormData();
  body.append("image", file, file.name || "picture.png");
  body.append("image_alt", form.elements.image_alt.value);
  const token = document.querySelector('meta[name="csrf-token"]');
  const response = await fetch(form.dataset.uploadUrl, {
    method: "POST", body, headers: token ? { "X-CSRFToken": token.content } : {},
  });
  if (!response.ok) throw new Error(String(response.status));
  insert((await response.json()).markup);
  form.elements.image.value = "";
  form.elements.image_alt.value = "";
}

function report() {
  showToast(document.getElementById("toasts").dataset.failed, "danger");
}

/* Other samples of a parametric item: the form has a field for the first one, the preview follows it. */
document.addEventListener("click", (event) => {
  const link = event.target.closest("[data-next-samples]");
  const first = form && form.elements.samples;
  if (!link || !first) return;
  event.preventDefault();
  first.value = link.dataset.nextSamples;
  first.dispatchEvent(new Event("input", { bubbles: true }));
});

if (button) {
  form.addEventListener("focusin", (event) => {
    if (event.target.matches("textarea")) field = event.target;
  });
  button.addEventListener("click", (event) => {
    const file = form.elements.image.files[0];
    if (!file) return;
    event.preventDefault();
    upload(file).catch(report);
  });
  form.addEventListener("paste", (event) => {
    const file = Array.from(event.clipboardData.files).find((one) => one.type.startsWith("image/"));
    if (!file || !event.target.matches("textarea")) return;
    event.preventDefault();
    upload(file).catch(report);
  });
}
