/* The summary of errors takes the focus, and its links the focus to the field, choices of a group included. */
export default function errorSummary(summary) {
  summary.focus();
  summary.addEventListener("click", (event) => {
    const link = event.target.closest('a[href^="#"]');
    const field = link && document.getElementById(decodeURIComponent(link.hash.slice(1)));
    if (!field) return;
    event.preventDefault();
    const control = field.matches("fieldset") ? field.querySelector("input") || field : field;
    control.focus();
    (field.closest(".field") || field).scrollIntoView({ block: "nearest" });
  });
}
