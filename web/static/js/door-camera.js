/* The camera at the door: takes a picture into the form's file field, takes it again. Without a camera or this script a
   file is chosen. Nothing leaves the page before the form is sent. Syntax stays within Chromium 86. */
import { Camera } from "./camera.js";

export function connect(form) {
  const part = (name) => form.querySelector(`[data-camera${name}]`);
  const [box, live, taken, says, choice] = ["", "-live", "-taken", "-says", "-choice"].map(part);
  const [open, shoot, again] = ["-open", "-shoot", "-again"].map(part);
  const input = form.querySelector('input[type="file"]');
  const devices = choice.querySelector("select");
  const camera = new Camera(live);
  let shown = "";

  function say(name) {
    says.textContent = name ? form.dataset[name] : "";
  }

  function show(step) {
    live.hidden = shoot.hidden = step !== "live";
    taken.hidden = step !== "taken";
    open.hidden = step === "live" || Boolean(camera.stream);
    again.hidden = step !== "taken" || !camera.stream;
    choice.hidden = step !== "live" || devices.options.length < 2;
  }

  async function start() {
    const problem = await camera.open(devices.value);
    say(problem);
    if (problem) {
      show(shown ? "taken" : "");
      return;
    }
    devices.replaceChildren(...(await camera.options()));
    show("live");
    shoot.focus();
  }

  function keep(blob) {
    const files = new DataTransfer();
    files.items.add(new File([blob], "door.jpg", { type: "image/jpeg" }));
    input.files = files.files;
    preview();
    say("ready");
    again.focus();
  }

  function preview() {
    if (shown) URL.revokeObjectURL(shown);
    shown = input.files.length ? URL.createObjectURL(input.files[0]) : "";
    if (shown) taken.src = shown;
    say("");
    show(shown ? "taken" : "");
  }

  taken.addEventListener("error", () => { say("unreadable"); show(""); });
  open.addEventListener("click", start);
  again.addEventListener("click", () => { input.value = ""; say(""); show("live"); shoot.focus(); });
  shoot.addEventListener("click", () => camera.still(keep));
  devices.addEventListener("change", start);
  input.addEventListener("change", () => { camera.stop(); preview(); });
  window.addEventListener("pagehide", () => camera.stop());
  box.hidden = false;
  show("");
}

document.querySelectorAll("[data-door-camera]").forEach(connect);
