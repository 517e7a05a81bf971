/** The form, fetched sealed while one waits: the start then needs a small key alone, and no rush of forms follows it. */
import { open } from "./seal.js";

const NONCE = new Uint8Array(12);
const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));

/** Whether this browser can unpack what it opened; others fetch the form at the start. */
const canUnpack = () => typeof DecompressionStream === "function";

async function unpacked(packed) {
  return new Response(new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"))).json();
}

/** What is fetched ahead for one attempt; nothing here ever keeps anybody from starting. */
export function createAhead(api) {
  let sealed = null;
  return {
    async fetch(attempt) {
      if (!api.sealedForm || !canUnpack()) return;
      try {
        sealed = new Uint8Array(await api.sealedForm(attempt));
      } catch (error) {
        sealed = null;
      }
    },
    /** @returns {Promise<any>} the form, or null when it must be fetched after all */
    async open(attempt, key) {
      if (!sealed || !key) return null;
      try {
        const packed = open(bytes(key), NONCE, sealed, new TextEncoder().encode(attempt));
        return packed && (await unpacked(packed));
      } catch (error) {
        return null;
      } finally {
        sealed = null;
      }
    },
  };
}
