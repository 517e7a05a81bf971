/**
 * Brings the exam page back when it is opened or reloaded while the server is away. A browser without it shows its own error page then;
 * nothing else depends on it, and it never touches the candidate API.
 *
 * The server writes three values in: the version and the names of the files that make up the page, and the digest of page and files
 * together. They are kept as one
 * version or not at all, so that a deployment never leaves a mixture. The page itself comes from the network as long as it answers;
 * its parts carry their version in their addresses, as formulas do, so that a copy of them is as good as the original.
 */
const VERSION = "";
const FILES = "";
const DIGEST = "";
const PATIENCE_MS = 5000;
const SHELL = `kaoku-exam-${DIGEST}`;
const FORMULAS = "kaoku-formulas";
const address = (file) => new URL(file, location.href).href;
const PAGE = address("./");
const PARTS = FILES.split(" ").map((name) => address(`assets/${VERSION}/${name}`));

async function digestOf(responses) {
  const bodies = await Promise.all(responses.map((response) => response.clone().arrayBuffer()));
  const digest = await crypto.subtle.digest("SHA-256", await new Blob(bodies).arrayBuffer());
  return btoa(String.fromCharCode(...new Uint8Array(digest)));
}

async function keepShell() {
  const files = [PAGE, ...PARTS];
  const responses = await Promise.all(files.map((file) => fetch(file)));
  if ((await digestOf(responses)) !== DIGEST) throw new Error("files of several versions");
  const cache = await caches.open(SHELL);
  await Promise.all(files.map((file, index) => cache.put(file, responses[index])));
  await self.skipWaiting();
}

async function takeOver() {
  const older = (await caches.keys()).filter((name) => name.startsWith("kaoku-exam-") && name !== SHELL);
  await Promise.all(older.map((name) => caches.delete(name)));
  await self.clients.claim();
}

const kept = async (url, name) => (await caches.open(name)).match(url);

/** The page as the server has it; the kept one when nothing comes, or comes from a proxy whose server is away. */
async function page(request) {
  const asked = fetch(request);
  const late = new Promise((_, reject) => setTimeout(reject, PATIENCE_MS));
  const answer = await Promise.race([asked, late]).catch(() => null);
  return answer && answer.status < 500 ? answer : (await kept(PAGE, SHELL)) || asked;
}

const part = async (request) => (await kept(request.url, SHELL)) || fetch(request);

/** What a paper with formulas needs is kept when it is first used. */
async function formula(request) {
  const copy = await kept(request.url, FORMULAS);
  if (copy) return copy;
  const response = await fetch(request);
  const cache = await caches.open(FORMULAS);
  if (response.ok) cache.put(request.url, response.clone()).catch(() => null);
  return response;
}

self.addEventListener("install", (event) => event.waitUntil(keepShell()));
self.addEventListener("activate", (event) => event.waitUntil(takeOver()));
self.addEventListener("fetch", (event) => {
  const { mode, url } = event.request;
  if (mode === "navigate" && url.split(/[?#]/)[0] === PAGE) event.respondWith(page(event.request));
  else if (PARTS.includes(url)) event.respondWith(part(event.request));
  else if (url.startsWith(address("/static/vendor/katex-"))) event.respondWith(formula(event.request));
});
