/* Children of a testlet are added, moved and removed without leaving the page: the server answers the form, its region is taken over. */
import { showToast } from "./toast.js";

const parts = (value) => value.split(":");

export default function itemChildren(region) {
  const form = region.closest("form");

  async function send(act) {
    const body = new FormData(form);
    body.set("act", act);
    region.setAttribute("aria-busy", "true");
    try {
      const response = await fetch(form.action, { method: "POST", body });
      const answer = new DOMParser().parseFromString(await response.text(), "text/html").getElementById(region.id);
      if (!answer) throw new Error(String(response.status));
      region.replaceChildren(...Array.from(answer.childNodes));
      settle(act);
    } catch (error) {
      showToast(document.getElementById("toasts").dataset.failed, "danger");
    }
    region.removeAttribute("aria-busy");
  }

  function settle(act) {
    region.dispatchEvent(new CustomEvent("kaoku:inserted", { bubbles: true }));
    region.dispatchEvent(new Event("input", { bubbles: true }));
    const target = focusAfter(...parts(act).slice(1));
    if (target) target.focus();
  }

  /* The cursor stays with the child that was moved, goes into the one that was added, and on where one is gone. */
  function focusAfter(verb, number) {
    const children = region.querySelectorAll(".item-child-form");
    if (verb === "add") return children.length && children[children.length - 1].querySelector("textarea");
    const place = Number(number) - 1 + ({ up: -1, down: 1 }[verb] || 0);
    const child = children[Math.min(place, children.length - 1)];
    const same = child && child.querySelector(`button[value^="child:${verb}:"]:not([disabled])`);
    return same || (child && child.querySelector("select")) || region.querySelector('[name="child_new_type"]');
  }

  region.addEventListener("click", (event) => {
    const button = event.target.closest('button[name="act"]');
    if (!button) return;
    event.preventDefault();
    send(button.value);
  });
  region.addEventListener("change", (event) => {
    if (event.target.matches("[data-child-type]")) send("child:type");
  });
}
