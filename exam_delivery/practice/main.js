/** 考前练习: the same player as in the exam, over a form that this page brings along; nothing is sent to a server. */
import { start } from "../../assets/app.js";
import { createPracticeApi } from "./api.js";
import { doneView, welcomeView } from "./views.js";

start({ makeApi: createPracticeApi, views: { sign_in: welcomeView, receipt: doneView } });
