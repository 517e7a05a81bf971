/* The computer's camera: opens it into a video, lists the others, takes a still upright picture, lets it go. Syntax stays within Chromium 86. */
const SHAPE = 3 / 4;
const SIDE = 960;
const PROBLEMS = { NotAllowedError: "denied", SecurityError: "denied", NotFoundError: "missing", OverconstrainedError: "missing" };

/** The middle of a picture, upright, as the frame shows it. */
function middleOf(width, height) {
  const wide = Math.min(width, height * SHAPE);
  const high = Math.min(height, width / SHAPE);
  return [(width - wide) / 2, (height - high) / 2, wide, high];
}

/** A camera that shows itself in a video element. */
export class Camera {
  constructor(video) {
    this.video = video;
    this.stream = null;
  }

  /** Show a certain camera, or the one that looks away from whoever holds the device; return why not, or nothing. */
  async open(device) {
    this.stop();
    if (!window.isSecureContext || !navigator.mediaDevices) return "insecure";
    const wish = device ? { deviceId: { exact: device } } : { facingMode: "environment" };
    try {
      this.stream = await navigator.mediaDevices.getUserMedia({ audio: false, video: { width: { ideal: 1280 }, ...wish } });
    } catch (error) {
      return PROBLEMS[error.name] || "busy";
    }
    this.video.srcObject = this.stream;
    await this.video.play();
    return "";
  }

  /** The cameras of this computer as options, the one in use chosen. */
  async options() {
    const found = (await navigator.mediaDevices.enumerateDevices()).filter((one) => one.kind === "videoinput");
    const used = this.stream.getVideoTracks()[0].getSettings().deviceId;
    return found.map((one) => new Option(one.label, one.deviceId, false, one.deviceId === used));
  }

  /** Hand a picture of what is seen now to somebody. */
  still(keep) {
    const area = middleOf(this.video.videoWidth, this.video.videoHeight);
    const canvas = document.createElement("canvas");
    canvas.height = Math.min(SIDE, Math.round(area[3]));
    canvas.width = Math.round(canvas.height * SHAPE);
    canvas.getContext("2d").drawImage(this.video, ...area, 0, 0, canvas.width, canvas.height);
    canvas.toBlob(keep, "image/jpeg", 0.9);
  }

  stop() {
    if (this.stream) this.stream.getTracks().forEach((track) => track.stop());
    this.stream = null;
  }
}
