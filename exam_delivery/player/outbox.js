/** Answers that the server has not acknowledged yet, kept on this computer: IndexedDB, or memory where it is refused. */

const DATABASE = "kaoku-exam";
const STORES = ["events", "marks", "leaves", "scratch", "kept"];

/** The browser's database, or null where even asking for it is forbidden. */
function indexedDatabase() {
  try {
    return window.indexedDB;
  } catch (error) {
    return null;
  }
}

function open(factory, timeoutMs) {
  return new Promise((resolve, reject) => {
    setTimeout(() => reject(new Error("timeout")), timeoutMs);
    const request = factory.open(DATABASE, 3);
    request.onupgradeneeded = () => {
      const known = request.result.objectStoreNames;
      STORES.filter((name) => !known.contains(name)).forEach((name) => request.result.createObjectStore(name, { keyPath: ["attempt", "slot"] }));
    };
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/** Run `work` in one transaction and wait until it is on the disk. */
function transact(db, mode, timeoutMs, work) {
  return new Promise((resolve, reject) => {
    setTimeout(() => reject(new Error("timeout")), timeoutMs);
    const tx = db.transaction(STORES, mode, { durability: "strict" });
    const request = work(tx);
    tx.oncomplete = () => resolve(request ? request.result : undefined);
    tx.onerror = () => reject(tx.error);
    tx.onabort = () => reject(tx.error || new Error("aborted"));
  });
}

function putIfNewer(store, row) {
  const old = store.get([row.attempt, row.slot]);
  old.onsuccess = () => {
    if (!old.result || old.result.seq < row.seq) store.put(row);
  };
}

function deleteUpTo(store, attempt, slot, seq) {
  const old = store.get([attempt, slot]);
  old.onsuccess = () => {
    if (old.result && old.result.seq <= seq) store.delete([attempt, slot]);
  };
}

/**
 * Open the outbox of one attempt.
 * @param {{attempt: string, factory?: IDBFactory|null, timeoutMs?: number, onFallback?: () => void}} options
 */
export async function openOutbox({ attempt, factory = indexedDatabase(), timeoutMs = 3000, onFallback = () => {} }) {
  /** @type {Map<number, import("./types.js").ResponseEvent>} */
  let dirty = new Map();
  let writing = null;
  const stored = new WeakSet();
  let db = null;

  function fallBack() {
    db = null;
    onFallback();
  }

  async function guarded(mode, work, otherwise) {
    if (!db) return otherwise;
    try {
      return await transact(db, mode, timeoutMs, work);
    } catch (error) {
      fallBack();
      return otherwise;
    }
  }

  async function drain() {
    while (dirty.size) {
      const batch = [...dirty.values()];
      dirty = new Map();
      await guarded("readwrite", (tx) => {
        batch.forEach((event) => putIfNewer(tx.objectStore("events"), { ...event, attempt }));
      });
      batch.forEach((event) => stored.add(event));
    }
    writing = null;
  }

  async function rows(name) {
    const found = await guarded("readonly", (tx) => tx.objectStore(name).getAll(), []);
    return found.filter((row) => row.attempt === attempt);
  }

  async function removeDatabaseIfEmpty() {
    const left = await guarded("readonly", (tx) => tx.objectStore("events").count(), 1);
    if (left > 0 || !db) return;
    db.close();
    db = null;
    await new Promise((resolve) => {
      const request = factory.deleteDatabase(DATABASE);
      request.onsuccess = request.onerror = request.onblocked = resolve;
    });
  }

  try {
    db = factory ? await open(factory, timeoutMs) : null;
    if (db) db.onversionchange = () => db && db.close();
  } catch (error) {
    db = null;
  }
  if (!db) onFallback();

  return {
    durable: () => db !== null,
    /** Whether the event has been written (or memory is all there is), so that it may be sent. */
    isStored: (event) => stored.has(event),
    /** Keep the newest event of a slot; resolves when everything handed over so far is written. */
    put(event) {
      dirty.set(event.slot, event);
      if (!writing) writing = drain();
      return writing;
    },
    events: () => rows("events").then((found) => found.map(({ attempt: _, ...event }) => event)),
    marks: () => rows("marks").then((found) => found.map((row) => row.slot)),
    remove: (slot, seq) =>
      guarded("readwrite", (tx) => deleteUpTo(tx.objectStore("events"), attempt, slot, seq)),
    setMark: (slot, on) =>
      guarded("readwrite", (tx) => {
        const store = tx.objectStore("marks");
        if (on) store.put({ attempt, slot });
        else store.delete([attempt, slot]);
      }),
    /** Notes beside the answers: absences until the server has them, the scratch pad, what a reload needs; `alone`: no other of its kind. */
    keep: (name, slot, value, alone) =>
      guarded("readwrite", (tx) => {
        const store = tx.objectStore(name);
        if (alone) store.clear();
        store.put({ attempt, slot, value });
      }),
    kept: (name) => rows(name).then((found) => found.map((row) => row.value)),
    drop: (name, slot) => guarded("readwrite", (tx) => tx.objectStore(name).delete([attempt, slot])),
    /** Forget this attempt, or all but its unsent answers; the database goes when no other candidate's unsent answers are in it. */
    async clear(all) {
      const range = IDBKeyRange.bound([attempt], [attempt, []]);
      const names = all ? STORES : ["scratch", "kept"];
      await guarded("readwrite", (tx) => names.forEach((name) => tx.objectStore(name).delete(range)));
      if (all) await removeDatabaseIfEmpty();
    },
  };
}
