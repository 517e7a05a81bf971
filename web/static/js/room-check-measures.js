/* What a computer measures of itself before an exam: way to the server and back, clock, storage, screen. Syntax stays within Chromium 86. */

const TRIPS = 10;
const GIVE_UP_MS = 5000;
const DATABASE = "kaoku-room-check";

const within = (promise, milliseconds) =>
  Promise.race([promise, new Promise((_, reject) => setTimeout(() => reject(new Error("timeout")), milliseconds))]);

async function trip(address) {
  const before = performance.now();
  const response = await within(fetch(address, { cache: "no-store" }), GIVE_UP_MS);
  if (!response.ok) throw new Error(String(response.status));
  const { now } = await response.json();
  const took = performance.now() - before;
  return { took, skew: Date.now() - took / 2 - Date.parse(now) };
}

/** Several calls, one after another; the quickest tells most about the clock. */
export async function measureNetwork(address) {
  const trips = [];
  let lost = 0;
  for (let n = 0; n < TRIPS; n += 1) {
    try {
      trips.push(await trip(address));
    } catch (error) {
      lost += 1;
    }
  }
  const best = trips.length ? trips.reduce((a, b) => (b.took < a.took ? b : a)) : { skew: 0 };
  return { round_trips_ms: trips.map((one) => Math.round(one.took)), n_lost: lost, clock_skew_ms: Math.round(best.skew) };
}

function writeOnce() {
  return new Promise((resolve, reject) => {
    const request = window.indexedDB.open(DATABASE, 1);
    request.onupgradeneeded = () => request.result.createObjectStore("probe");
    request.onerror = () => reject(request.error);
    request.onsuccess = () => {
      const tx = request.result.transaction("probe", "readwrite");
      tx.objectStore("probe").put("0".repeat(100000), 1);
      tx.oncomplete = () => resolve(request.result.close());
      tx.onerror = tx.onabort = () => reject(tx.error);
    };
  });
}

/** Whether answers can be kept on this computer, and how much room there is (-1: the browser does not tell). */
export async function measureStorage() {
  let canStore = true;
  try {
    await within(writeOnce(), GIVE_UP_MS);
    window.indexedDB.deleteDatabase(DATABASE);
  } catch (error) {
    canStore = false;
  }
  let megabytes = -1;
  try {
    const { quota, usage } = await within(navigator.storage.estimate(), GIVE_UP_MS);
    megabytes = Math.round((quota - usage) / 1048576);
  } catch (error) {
    megabytes = -1;
  }
  return { can_store: canStore, storage_mb: megabytes };
}

export function measureScreen() {
  const hasCrypto = Boolean(window.crypto && window.crypto.subtle);
  return { width: window.screen.width, height: window.screen.height, is_secure: window.isSecureContext, has_crypto: hasCrypto };
}
