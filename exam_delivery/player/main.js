/** The exam: the player over the candidate API. */
import { createApi } from "./api.js";
import { start } from "./app.js";
import { comesBack } from "./form.js";

start({ makeApi: createApi });
if (comesBack()) navigator.serviceWorker.register("worker.js").catch(() => null);
