/* Warns before a form with unsent changes is left, and keeps a draft of it. */
import keepDraft from "./draft.js";

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
  keepDraft(form);
}

/* Whatever takes more than a line is guarded, named or not; desks and sheets that keep their own drafts, and the drawer, are not. */
export function guardWords(root, guarded) {
  for (const area of root.querySelectorAll('form[method="post"] textarea')) {
    const { form } = area;
    const isOwn = !form || form.dataset.draft || form.hasAttribute("data-not-kept") || form.closest("[data-drawer-forms]");
    if (!isOwn && !guarded.has(form) && !/\bunsaved\b/.test(form.dataset.controller || "")) {
      guarded.add(form);
      unsaved(form);
    }
  }
}
