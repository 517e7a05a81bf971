/* A file input that also takes files dropped on its box. */
export default function fileDrop(box) {
  const input = box.querySelector('input[type="file"]');
  const mark = (on) => (event) => {
    event.preventDefault();
    box.classList.toggle("is-over", on);
  };
  box.addEventListener("dragover", mark(true));
  box.addEventListener("dragleave", mark(false));
  box.addEventListener("drop", (event) => {
    mark(false)(event);
    if (event.dataTransfer.files.length === 0) return;
    input.files = event.dataTransfer.files;
    input.dispatchEvent(new Event("change", { bubbles: true }));
  });
}
