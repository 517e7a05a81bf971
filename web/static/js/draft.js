/* Keeps what is typed into a long form in this tab, with the time shown, until it is sent: closing by mistake, a reload or the end of a
   sign-in loses nothing. It is filled in again only into the form as it was, for the same person; who signs out takes it away. */
import { fill, show, valuesOf } from "./form-values.js";

const PREFIX = "kaoku-draft ";
const KEEP_AFTER_MS = 1000;
const PASSING = ["csrf_token", "once_key"];
const texts = () => document.getElementById("toasts").dataset;
const clock = (at) => new Date(at).toLocaleTimeString("zh-CN", { hour: "2-digit", minute: "2-digit", hour12: false });

function placeOf(form) {
  const person = document.querySelector(".person-name");
  return PREFIX + [person ? person.textContent : "", location.pathname, form.getAttribute("id"), form.getAttribute("action")].join(" ");
}

function read(place) {
  try {
    return JSON.parse(sessionStorage.getItem(place));
  } catch (error) {
    return null;
  }
}

/* The same fields with the same unseen values: otherwise the record was changed meanwhile, or its parts are not there. */
function fits(form, kept, values) {
  const isUnseen = (name) => Array.from(form.elements).some((field) => field.name === name && field.type === "hidden");
  const names = (all) => Object.keys(all).filter((name) => !PASSING.includes(name)).sort();
  if (names(kept).join() !== names(values).join()) return false;
  return names(values).filter(isUnseen).every((name) => kept[name].join("\n") === values[name].join("\n"));
}

export function forgetDrafts() {
  Object.keys(sessionStorage).filter((name) => name.startsWith(PREFIX)).forEach((name) => sessionStorage.removeItem(name));
}

export default function keepDraft(form) {
  const place = placeOf(form);
  const note = document.createElement("p");
  let timer = 0;

  function say(text, at) {
    note.textContent = text.replace("{time}", clock(at));
  }

  function keep() {
    const at = Date.now();
    try {
      sessionStorage.setItem(place, JSON.stringify({ at, values: valuesOf(form) }));
      say(texts().draft, at);
    } catch (error) {
      note.textContent = "";
    }
  }

  function forget() {
    clearTimeout(timer);
    sessionStorage.removeItem(place);
    note.textContent = "";
  }

  note.className = "field-help draft-note";
  note.setAttribute("role", "status");
  (form.querySelector(".form-actions") || form).append(note);
  form.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(keep, KEEP_AFTER_MS); });
  form.addEventListener("submit", (event) => { if (!event.defaultPrevented) forget(); });
  form.addEventListener("kaoku:saved", forget);
  const kept = read(place);
  if (!kept || form.querySelector('[aria-invalid="true"]') || !fits(form, kept.values, valuesOf(form))) return;
  show(form, fill(form, kept.values));
  clearTimeout(timer);
  say(texts().draftBack, kept.at);
  const drop = Object.assign(document.createElement("button"), { type: "button", className: "btn btn-link btn-sm", textContent: texts().draftDrop });
  drop.addEventListener("click", () => {
    form.reset();
    forget();
  });
  note.append(" ", drop);
}
