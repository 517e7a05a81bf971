/* The camera at the door: shows it, takes a picture into the form's file field, takes it again. Without a camera or this script a
   file is chosen. Nothing leaves the page before the form is sent. Syntax stays within Chromium 86. */
const SHAPE = 3 / 4;
const SIDE = 960;
const PROBLEMS = { NotAllowedError: "denied", SecurityError: "denied", NotFoundError: "missing", OverconstrainedError: "missing" };

/** The middle of a picture, upright, as the frame shows it. */
function middleOf(width, height) {
  const wide = Math.min(width, height * SHAPE);
  const high = Math.min(height, width / SHAPE);
  return [(width - wide) / 2, (height - high) / 2, wide, high];
}

export function connect(form) {
  const part = (name) => form.querySelector(`[data-camera${name}]`);
  const [box, live, taken, says, choice] = ["", "-live", "-taken", "-says", "-choice"].map(part);
  const [open, shoot, again] = ["-open", "-shoot", "-again"].map(part);
  const input = form.querySelector('input[type="file"]');
  const devices = choice.querySelector("select");
  let stream = null;
  let shown = "";

  function say(name) {
    says.textContent = name ? form.dataset[name] : "";
  }

  function show(step) {
    live.hidden = shoot.hidden = step !== "live";
    taken.hidden = step !== "taken";
    open.hidden = step === "live" || Boolean(stream);
    again.hidden = step !== "taken" || !stream;
    choice.hidden = step !== "live" || devices.options.length < 2;
  }

  function stop() {
    if (stream) stream.getTracks().forEach((track) => track.stop());
    stream = null;
  }

  async function listDevices() {
    const found = (await navigator.mediaDevices.enumerateDevices()).filter((one) => one.kind === "videoinput");
    const used = stream.getVideoTracks()[0].getSettings().deviceId;
    devices.textContent = "";
    for (const one of found) devices.add(new Option(one.label, one.deviceId, false, one.deviceId === used));
  }

  async function start() {
    stop();
    if (!window.isSecureContext || !navigator.mediaDevices) {
      say("insecure");
      return;
    }
    const wish = devices.value ? { deviceId: { exact: devices.value } } : { facingMode: "environment" };
    try {
      stream = await navigator.mediaDevices.getUserMedia({ audio: false, video: { width: { ideal: 1280 }, ...wish } });
    } catch (error) {
      say(PROBLEMS[error.name] || "busy");
      show("");
      return;
    }
    live.srcObject = stream;
    await live.play();
    await listDevices();
    say("");
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

  function take() {
    const area = middleOf(live.videoWidth, live.videoHeight);
    const canvas = document.createElement("canvas");
    canvas.height = Math.min(SIDE, Math.round(area[3]));
    canvas.width = Math.round(canvas.height * SHAPE);
    canvas.getContext("2d").drawImage(live, ...area, 0, 0, canvas.width, canvas.height);
    canvas.toBlob(keep, "image/jpeg", 0.9);
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
  shoot.addEventListener("click", take);
  devices.addEventListener("change", start);
  input.addEventListener("change", () => { stop(); preview(); });
  window.addEventListener("pagehide", stop);
  box.hidden = false;
  show("");
}

document.querySelectorAll("[data-door-camera]").forEach(connect);
