/** 应急文件: the answers that the server has not acknowledged, sealed for the server alone, saved to the disk of this computer. */
import { seal } from "./seal.js";

const FORMAT = "kaoku-rescue/1";

function base64(bytes) {
  let text = "";
  bytes.forEach((byte) => {
    text += String.fromCharCode(byte);
  });
  return btoa(text);
}

export const fromBase64 = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
export const utf8 = (text) => new TextEncoder().encode(text);

/** The newest event of each slot out of several lists. */
export function newest(...lists) {
  const found = new Map();
  lists.reduce((all, list) => all.concat(list), []).forEach((event) => {
    const before = found.get(event.slot);
    if (!before || before.seq < event.seq) found.set(event.slot, event);
  });
  return [...found.values()].sort((a, b) => a.slot - b.slot);
}

/**
 * Write a rescue file.
 * @param {{attempt: string, rescue: {key: string, generation: number}, events: any[], madeAt: string, random?: (bytes: Uint8Array) => Uint8Array}} options
 * @returns {string}
 */
export function rescueText({ attempt, rescue, events, madeAt, random = (bytes) => crypto.getRandomValues(bytes) }) {
  const nonce = random(new Uint8Array(12));
  const boundTo = utf8([FORMAT, attempt, rescue.generation, madeAt].join("\n"));
  const sealed = seal(fromBase64(rescue.key), nonce, utf8(JSON.stringify({ events })), boundTo);
  return JSON.stringify({
    format: FORMAT, attempt_id: attempt, generation: rescue.generation, made_at: madeAt, nonce: base64(nonce), sealed: base64(sealed),
  });
}

/** Let the browser save a text as a file. */
export function saveFile(text, name) {
  const url = URL.createObjectURL(new Blob([text], { type: "application/octet-stream" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 60000);
}
