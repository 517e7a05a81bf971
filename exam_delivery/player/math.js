/** Formulas: KaTeX is loaded only when a form holds any. */

const DELIMITED = /\\\(([\s\S]+?)\\\)/;
let loading = null;

function load() {
  const base = document.querySelector('meta[name="katex-base"]').content;
  const sheet = document.createElement("link");
  sheet.rel = "stylesheet";
  sheet.href = `${base}katex.min.css`;
  document.head.append(sheet);
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = `${base}katex.min.js`;
    script.onload = resolve;
    script.onerror = () => {
      loading = null;
      script.remove();
      reject(new Error("katex"));
    };
    document.head.append(script);
  });
}

function formulaTexts(root) {
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  const found = [];
  while (walker.nextNode()) if (DELIMITED.test(walker.currentNode.data)) found.push(walker.currentNode);
  return found;
}

function renderIn(node) {
  let rest = node;
  for (let match = DELIMITED.exec(rest.data); match; match = DELIMITED.exec(rest.data)) {
    const formula = rest.splitText(match.index);
    rest = formula.splitText(match[0].length);
    const span = document.createElement("span");
    span.className = "tex";
    window.katex.render(match[1], span, { throwOnError: false });
    formula.replaceWith(span);
  }
}

/** Typeset `\(…\)` inside an element; without KaTeX the source text stays readable. */
export async function typeset(root) {
  const texts = formulaTexts(root);
  if (!texts.length) return;
  try {
    loading = loading || load();
    await loading;
    texts.filter((node) => node.isConnected || root.contains(node)).forEach(renderIn);
  } catch (error) {
    root.setAttribute("data-tex", "source");
  }
}
