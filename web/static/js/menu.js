/* The button that opens the left menu on narrow windows. */
export default function menu(button) {
  const panel = document.getElementById(button.getAttribute("aria-controls"));

  function toggle(open) {
    panel.classList.toggle("is-open", open);
    button.setAttribute("aria-expanded", String(open));
  }

  button.addEventListener("click", () => toggle(!panel.classList.contains("is-open")));
  document.addEventListener("click", (event) => {
    if (!panel.contains(event.target) && !button.contains(event.target)) toggle(false);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !panel.classList.contains("is-open")) return;
    toggle(false);
    button.focus();
  });
}
