/* The bar of the selection: shown while rows are checked, counts them, selects all, and ranges with Shift. What gets the focus is
   scrolled clear of the bar. */
export default function bulk(form) {
  const boxes = () => Array.from(document.querySelectorAll(`input[name="selected"][form="${form.id}"]`));
  const all = document.querySelector(`[data-select-all="${form.id}"]`);
  const count = form.querySelector("[data-bulk-count]");
  const isHidden = (box) => box.closest("tr").hidden; // by a search on the page
  let last = null;

  function refresh() {
    const list = boxes();
    const n = list.filter((box) => box.checked).length;
    list.forEach((box) => box.closest("tr").classList.toggle("is-selected", box.checked));
    count.textContent = String(n);
    form.classList.toggle("is-shown", n > 0);
    document.documentElement.style.scrollPaddingBottom = n > 0 ? `${form.offsetHeight}px` : "";
    if (all) {
      all.checked = n > 0 && list.every((box) => box.checked || isHidden(box));
      all.indeterminate = n > 0 && !all.checked;
    }
  }

  function checkAll(checked) {
    boxes().filter((box) => !checked || !isHidden(box)).forEach((box) => { box.checked = checked; });
    refresh();
  }

  function extendRange(box) {
    const list = boxes();
    const [from, to] = [list.indexOf(last), list.indexOf(box)].sort((a, b) => a - b);
    if (from >= 0) list.slice(from, to + 1).forEach((other) => { other.checked = box.checked; });
  }

  document.addEventListener("click", (event) => {
    if (!boxes().includes(event.target)) return;
    if (event.shiftKey && last) extendRange(event.target);
    last = event.target;
    refresh();
  });
  if (all) all.addEventListener("change", () => checkAll(all.checked));
  form.querySelector("[data-bulk-clear]").addEventListener("click", () => checkAll(false));
  window.addEventListener("pageshow", refresh);
  refresh();
}
