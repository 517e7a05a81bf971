/* Warns before a form with unsent changes is left. */
const valuesOf = (form) => JSON.stringify(Array.from(new FormData(form).entries(), ([name, value]) => (
  [name, value instanceof File ? value.name : value])));

export default function unsaved(form) {
  let saved = valuesOf(form);
  form.addEventListener("submit", () => { saved = null; });
  form.addEventListener("kaoku:saved", () => { saved = valuesOf(form); });
  window.addEventListener("pageshow", (event) => { if (event.persisted) saved = valuesOf(form); });
  window.addEventListener("beforeunload", (event) => {
    if (saved === null || saved === valuesOf(form)) return;
    event.preventDefault();
    event.returnValue = "";
  });
}
