/* Marks of a score sheet: big buttons and arrows step by one, Enter goes on, marks out of range are refused, the total runs. */
const MARK = /^\d{1,3}(\.\d)?$/;

export default function assessKeys(form) {
  const marks = Array.from(form.querySelectorAll("[name=mark]"));
  const total = form.querySelector("[data-total]");
  const valueOf = (input) => (MARK.test(input.value.trim()) ? Number(input.value) : 0);

  function check(input) {
    const text = input.value.trim();
    const isWrong = text !== "" && !(MARK.test(text) && Number(text) <= Number(input.dataset.max));
    input.setCustomValidity(isWrong ? form.dataset.range.replace("{max}", input.dataset.max) : "");
    input.classList.toggle("is-invalid", isWrong);
  }

  function sum() {
    const tenths = marks.reduce((all, one) => all + Math.round(valueOf(one) * 10) * Number(one.dataset.weight), 0);
    total.textContent = String(Math.max(0, Math.round(tenths * 100) / 1000));
  }

  function put(input, number) {
    input.value = String(Math.round(Math.min(Number(input.dataset.max), Math.max(0, number)) * 10) / 10);
    input.dispatchEvent(new Event("input", { bubbles: true }));
  }

  form.addEventListener("click", (event) => {
    const button = event.target.closest("[data-step], [data-full]");
    if (!button) return;
    const input = button.closest(".assess-control").querySelector("input");
    put(input, button.dataset.step ? valueOf(input) + Number(button.dataset.step) : Number(input.dataset.max));
  });
  form.addEventListener("keydown", (event) => {
    const input = event.target;
    if (!marks.includes(input) || !["ArrowUp", "ArrowDown", "Enter"].includes(event.key) || event.ctrlKey) return;
    event.preventDefault();
    if (event.key !== "Enter") { put(input, valueOf(input) + (event.key === "ArrowUp" ? 1 : -1)); return; }
    const next = marks[marks.indexOf(input) + 1];
    if (input.reportValidity() && next) { next.focus(); next.select(); }
  });
  form.addEventListener("input", (event) => {
    if (marks.includes(event.target)) check(event.target);
    sum();
  });
  sum();
}
