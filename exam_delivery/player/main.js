/** The exam: the player over the candidate API. */
import { createApi } from "./api.js";
import { start } from "./app.js";

start({ makeApi: createApi });
