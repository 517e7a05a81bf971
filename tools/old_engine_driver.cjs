/* Lets Playwright drive a Chromium older than the ones it is made for, by `NODE_OPTIONS=--require`: three things that it asks of the
   browser came after 2020. Only Playwright's own code is changed, in memory; what the tested page may call stays as it is. */
const fs = require("fs");
const Module = require("module");

const LATER = [
  ["!element.checkVisibility()", "!element.getClientRects().length"],
  ["userAgentMetadata: calculateUserAgentMetadata(options)", ""],
  ['this._client.send("Log.enable", {}),', `['WillBegin', 'Progress'].forEach((name) => this._client.on('Page.download' + name, (told) =>
    this._crPage._browserContext._browser['_onDownload' + name](told))), this._client.send("Log.enable", {}),`],
];
const ordinary = Module._extensions[".js"];

Module._extensions[".js"] = function load(module, file) {
  if (!file.endsWith("coreBundle.js")) return ordinary(module, file);
  const text = LATER.reduce((all, [later, before]) => all.split(later).join(before), fs.readFileSync(file, "utf8"));
  return module._compile(text, file);
};
