/* Headers that prove Safe Exam Browser where it sends none of its own: hashes of this page's address, read by script. */

const PATIENCE_MS = 2000;

/** Older versions compute their keys only when they are asked. */
async function updated(security) {
  if (security.configKey || typeof security.updateKeys !== "function") return;
  await Promise.race([
    new Promise((resolve) => security.updateKeys(resolve)),
    new Promise((resolve) => setTimeout(resolve, PATIENCE_MS)),
  ]);
}

export async function sebHeaders() {
  const security = window.SafeExamBrowser && window.SafeExamBrowser.security;
  if (!security) return {};
  await updated(security);
  if (!security.configKey) return {};
  return {
    "X-Kaoku-Seb-Page": window.location.href.split("#")[0],
    "X-Kaoku-Seb-Config": security.configKey,
    "X-Kaoku-Seb-Exam": security.browserExamKey || "",
  };
}
