/* Finds controllers by data-controller and connects each element once. Syntax stays within Chromium 86. */
import autosubmit from "./autosubmit.js";
import bulk from "./bulk.js";
import confirm from "./confirm.js";
import copy from "./copy.js";
import countdown from "./countdown.js";
import drawer from "./drawer.js";
import errorSummary from "./error-summary.js";
import fileDrop from "./file-drop.js";
import itemChildren from "./item-children.js";
import itemPicker from "./item-picker.js";
import jobProgress from "./job-progress.js";
import livePreview from "./live-preview.js";
import menu from "./menu.js";
import notice from "./notice.js";
import popup from "./popup.js";
import { watchSentForms } from "./sent-form.js";
import { listenForShortcuts } from "./shortcuts.js";
import tableKeys from "./table-keys.js";
import tex from "./tex.js";
import toast, { showToast } from "./toast.js";
import tree from "./tree.js";
import unsaved, { guardWords } from "./unsaved.js";

/* Only the form of a hotspot item, a marker's desk, an assessor's sheet and a rater's booklet need these. */
const hotspotEditor = (element) => import("./hotspot-editor.js").then((module) => module.default(element));
const markingDesk = (element) => import("./marking-desk.js").then((module) => module.default(element));
const assessSheet = (element) => import("./assess-sheet.js").then((module) => module.default(element));
const panelRating = (element) => import("./panel-rating.js").then((module) => module.default(element));
const CONTROLLERS = {
  autosubmit, bulk, confirm, copy, countdown, drawer, "error-summary": errorSummary, "file-drop": fileDrop,
  "item-children": itemChildren, "hotspot-editor": hotspotEditor, "marking-desk": markingDesk,
  "panel-rating": panelRating, "assess-sheet": assessSheet,
  "item-picker": itemPicker, "job-progress": jobProgress, "live-preview": livePreview, menu, notice, popup,
  "table-keys": tableKeys, tex, toast, tree, unsaved,
};
const connected = new WeakSet();
const guarded = new WeakSet();

function connect(element) {
  if (connected.has(element)) return;
  connected.add(element);
  for (const name of element.dataset.controller.split(/\s+/)) {
    if (CONTROLLERS[name]) CONTROLLERS[name](element);
  }
}

function connectAll(root) {
  if (root.matches && root.matches("[data-controller]")) connect(root);
  root.querySelectorAll("[data-controller]").forEach(connect);
  guardWords(root, guarded);
}

function prepareHtmx() {
  const token = document.querySelector('meta[name="csrf-token"]');
  document.body.addEventListener("htmx:configRequest", (event) => {
    if (token) event.detail.headers["X-CSRFToken"] = token.content;
  });
  document.body.addEventListener("htmx:load", (event) => connectAll(event.detail.elt));
  for (const name of ["htmx:responseError", "htmx:sendError"]) {
    document.body.addEventListener(name, () => showToast(document.getElementById("toasts").dataset.failed, "danger"));
  }
}

document.documentElement.classList.add("js");
document.addEventListener("kaoku:inserted", (event) => connectAll(event.target));
connectAll(document);
watchSentForms();
listenForShortcuts();
prepareHtmx();
