/**
 * ChaCha20-Poly1305 (RFC 8439), so that every page can seal a rescue file and open a form that was fetched before the start.
 *
 * Browsers keep `crypto.subtle` from pages without TLS, and exam rooms without TLS are the ones that need both most.
 * One way for all: of two, the rarer would be the less tested. Speed and timing do not matter for one small file.
 */

const PRIME = (1n << 130n) - 5n;
const CLAMP = 0x0ffffffc0ffffffc0ffffffc0fffffffn;
const LOW = (1n << 128n) - 1n;

const words = (bytes) => new Uint32Array(bytes.slice().buffer);
const turn = (x, n) => (x << n) | (x >>> (32 - n));

function mix(s, a, b, c, d) {
  s[a] += s[b];
  s[d] = turn(s[d] ^ s[a], 16);
  s[c] += s[d];
  s[b] = turn(s[b] ^ s[c], 12);
  s[a] += s[b];
  s[d] = turn(s[d] ^ s[a], 8);
  s[c] += s[d];
  s[b] = turn(s[b] ^ s[c], 7);
}

/** One block of the key stream: 64 bytes. */
function block(key, counter, nonce) {
  const start = new Uint32Array(16);
  start.set([0x61707865, 0x3320646e, 0x79622d32, 0x6b206574]);
  start.set(key, 4);
  start[12] = counter;
  start.set(nonce, 13);
  const s = start.slice();
  for (let round = 0; round < 10; round += 1) {
    for (let i = 0; i < 4; i += 1) mix(s, i, 4 + i, 8 + i, 12 + i);
    for (let i = 0; i < 4; i += 1) mix(s, i, 4 + ((i + 1) % 4), 8 + ((i + 2) % 4), 12 + ((i + 3) % 4));
  }
  s.forEach((value, i) => {
    s[i] = value + start[i];
  });
  return new Uint8Array(s.buffer);
}

function stream(key, nonce, text) {
  const out = new Uint8Array(text.length);
  for (let at = 0, counter = 1; at < text.length; at += 64, counter += 1) {
    const pad = block(key, counter, nonce);
    for (let i = at; i < Math.min(at + 64, text.length); i += 1) out[i] = text[i] ^ pad[i - at];
  }
  return out;
}

function number(bytes) {
  let text = "0x0";
  for (let i = bytes.length - 1; i >= 0; i -= 1) text += bytes[i].toString(16).padStart(2, "0");
  return BigInt(text);
}

function authenticate(oneTime, data) {
  const r = number(oneTime.subarray(0, 16)) & CLAMP;
  let sum = 0n;
  for (let at = 0; at < data.length; at += 16) {
    const part = data.subarray(at, at + 16);
    sum = ((sum + number(part) + (1n << BigInt(8 * part.length))) * r) % PRIME;
  }
  let tag = (sum + number(oneTime.subarray(16, 32))) & LOW;
  return Uint8Array.from({ length: 16 }, () => {
    const byte = Number(tag & 255n);
    tag >>= 8n;
    return byte;
  });
}

function joined(...parts) {
  const out = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  parts.reduce((at, part) => {
    out.set(part, at);
    return at + part.length;
  }, 0);
  return out;
}

const padding = (part) => new Uint8Array((16 - (part.length % 16)) % 16);
const length = (part) => new Uint8Array(new BigUint64Array([BigInt(part.length)]).buffer);

/**
 * Seal bytes.
 * @param {Uint8Array} key 32 bytes
 * @param {Uint8Array} nonce 12 bytes, never used twice with one key
 * @param {Uint8Array} text
 * @param {Uint8Array} boundTo what is not sealed but must not be changed
 * @returns {Uint8Array} ciphertext and tag
 */
export function seal(key, nonce, text, boundTo) {
  const [k, n] = [words(key), words(nonce)];
  const sealed = stream(k, n, text);
  return joined(sealed, tagOf(k, n, sealed, boundTo));
}

function tagOf(k, n, sealed, boundTo) {
  const covered = joined(boundTo, padding(boundTo), sealed, padding(sealed), length(boundTo), length(sealed));
  return authenticate(block(k, 0, n), covered);
}

/**
 * Open what `seal` made.
 * @param {Uint8Array} key 32 bytes
 * @param {Uint8Array} nonce 12 bytes
 * @param {Uint8Array} data ciphertext and tag
 * @param {Uint8Array} boundTo
 * @returns {Uint8Array|null} the text; null when a single bit differs
 */
export function open(key, nonce, data, boundTo) {
  const [k, n] = [words(key), words(nonce)];
  const sealed = data.slice(0, -16);
  const tag = tagOf(k, n, sealed, boundTo);
  return tag.every((byte, i) => byte === data[sealed.length + i]) ? stream(k, n, sealed) : null;
}
