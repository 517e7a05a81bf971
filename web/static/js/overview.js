/* Keeps the chief's overview fresh: fetches it every ten seconds, keeps the focus where it was, says in the tab's title how many rooms
   need a look, and since when it is not fresh any more. Syntax of Chromium 86. */
const EVERY_MS = 10000;
const GIVE_UP_MS = 8000;

function replaceKeepingFocus(region, html) {
  const active = region.contains(document.activeElement) ? document.activeElement : null;
  const path = active && active.getAttribute("href");
  region.innerHTML = html;
  const again = path && Array.from(region.querySelectorAll("a[href]")).find((link) => link.getAttribute("href") === path);
  if (again) again.focus({ preventScroll: true });
}

export function refresh(region) {
  const banner = document.querySelector("[data-overview-lost]");
  const says = document.querySelector("[data-overview-news]");
  const { title } = document;
  const facts = () => region.querySelector("[data-n-problems]").dataset;
  let known = facts().nProblems;

  function tell() {
    const { nProblems } = facts();
    document.title = nProblems === "0" ? title : `(${nProblems}) ${title}`;
    if (nProblems !== known) says.textContent = region.dataset.news.replace("{n}", nProblems);
    known = nProblems;
  }

  function lose(why) {
    const text = region.dataset[why].replace("{since}", facts().clock);
    if (banner.textContent !== text) banner.textContent = text;
    banner.hidden = false;
  }

  async function ask() {
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(), GIVE_UP_MS);
    try {
      const response = await fetch(region.dataset.overview, { headers: { "HX-Request": "true" }, signal: abort.signal });
      const html = await response.text();
      if (!response.ok || /^\s*<!doctype/i.test(html)) {
        lose(response.redirected ? "signedOut" : "lost");
        return;
      }
      replaceKeepingFocus(region, html);
      banner.hidden = true;
      tell();
    } catch (error) {
      lose("lost");
    } finally {
      clearTimeout(timer);
      setTimeout(ask, EVERY_MS);
    }
  }

  tell();
  setTimeout(ask, EVERY_MS);
}

document.querySelectorAll("[data-overview]").forEach(refresh);
