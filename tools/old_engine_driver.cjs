/* Lets Playwright drive browsers that it is not made for, by `NODE_OPTIONS=--require`. Three things that it asks of a Chromium came after
   2020; a Firefox without Playwright's own changes cannot pretend a colour scheme, and takes pictures without the empty style sheet that
   the page's content policy refuses. Only Playwright's own code is changed, in memory; what the tested page may call stays as it is. */
const fs = require("fs");
const Module = require("module");

const LATER = [
  ["!element.checkVisibility()", "!element.getClientRects().length"],
  ["userAgentMetadata: calculateUserAgentMetadata(options)", ""],
  ['this._client.send("Log.enable", {}),', `['WillBegin', 'Progress'].forEach((name) => this._client.on('Page.download' + name, (told) =>
    this._crPage._browserContext._browser['_onDownload' + name](told))), this._client.send("Log.enable", {}),`],
  ['await this._browser._browserSession.send("emulation.setMediaFeaturesOverride",', 'void ("",'],
  ['await this._session.send("emulation.setMediaFeaturesOverride",', 'void ("",'],
  ["if (syncAnimations) {", "if (false) {"],
];
const ordinary = Module._extensions[".js"];

Module._extensions[".js"] = function load(module, file) {
  if (!file.endsWith("coreBundle.js")) return ordinary(module, file);
  const text = LATER.reduce((all, [later, before]) => all.split(later).join(before), fs.readFileSync(file, "utf8"));
  return module._compile(text, file);
};
