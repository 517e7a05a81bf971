/* A tree by keyboard: up, down, left, right, Home, End; Enter follows the node's link, a click on the arrow folds. */
export default function tree(root) {
  const visible = () => Array.from(root.querySelectorAll('[role="treeitem"]'))
    .filter((item) => item.offsetParent !== null);
  const parentOf = (item) => item.parentElement.closest('[role="treeitem"]');

  function focus(item) {
    if (!item) return;
    root.querySelectorAll('[role="treeitem"][tabindex="0"]').forEach((other) => { other.tabIndex = -1; });
    item.tabIndex = 0;
    item.focus();
  }

  function setOpen(item, open) {
    if (item.hasAttribute("aria-expanded")) item.setAttribute("aria-expanded", String(open));
  }

  const KEYS = {
    ArrowDown: (item, list) => focus(list[list.indexOf(item) + 1]),
    ArrowUp: (item, list) => focus(list[list.indexOf(item) - 1]),
    Home: (item, list) => focus(list[0]),
    End: (item, list) => focus(list[list.length - 1]),
    ArrowRight: (item, list) => {
      if (item.getAttribute("aria-expanded") === "false") setOpen(item, true);
      else if (item.hasAttribute("aria-expanded")) focus(list[list.indexOf(item) + 1]);
    },
    ArrowLeft: (item) => {
      if (item.getAttribute("aria-expanded") === "true") setOpen(item, false);
      else focus(parentOf(item));
    },
    Enter: (item) => {
      const link = item.querySelector(":scope > .tree-row a");
      if (link) link.click();
    },
  };

  root.addEventListener("keydown", (event) => {
    if (event.target.getAttribute("role") !== "treeitem" || !KEYS[event.key]) return;
    event.preventDefault();
    KEYS[event.key](event.target, visible());
  });
  root.addEventListener("click", (event) => {
    const toggle = event.target.closest(".tree-toggle");
    if (!toggle) return;
    const item = toggle.closest('[role="treeitem"]');
    setOpen(item, item.getAttribute("aria-expanded") !== "true");
  });
}
