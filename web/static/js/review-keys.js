/* Decision keys of the review desk: 1, 2, 3 press the buttons named by data-key; keys typed into a field stay text. */
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, textarea, select")) return;
  const button = document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
  if (!button) return;
  event.preventDefault();
  const comment = document.getElementById("field-comment");
  if (button.hasAttribute("data-needs-comment") && comment && !comment.value.trim()) {
    comment.focus();
    return;
  }
  button.click();
});
