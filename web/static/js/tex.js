/* Sets formulas between \( \) and \[ \] with KaTeX, node by node: no markup strings, so the strict policy holds. */
const FORMULA = /\\\(([\s\S]+?)\\\)|\\\[([\s\S]+?)\\\]/g;

function textNodesOf(scope) {
  const walker = document.createTreeWalker(scope, NodeFilter.SHOW_TEXT, {
    acceptNode: (node) => (node.parentElement.closest(".tex, .katex, script, textarea, code")
      ? NodeFilter.FILTER_REJECT : NodeFilter.FILTER_ACCEPT),
  });
  const nodes = [];
  while (walker.nextNode()) nodes.push(walker.currentNode);
  return nodes;
}

function formulaElement(source, displayMode) {
  const span = document.createElement("span");
  span.className = "tex";
  span.dataset.tex = source;
  window.katex.render(source, span, { displayMode, throwOnError: false, strict: "ignore", trust: false, maxExpand: 200 });
  return span;
}

function setFormulas(node) {
  const text = node.nodeValue;
  const parts = document.createDocumentFragment();
  let end = 0;
  for (const match of text.matchAll(FORMULA)) {
    parts.append(text.slice(end, match.index));
    parts.append(formulaElement(match[1] || match[2], match[2] !== undefined));
    end = match.index + match[0].length;
  }
  if (end === 0) return;
  parts.append(text.slice(end));
  node.replaceWith(parts);
}

export default function tex(scope) {
  if (!window.katex) return;
  const render = () => textNodesOf(scope).forEach(setFormulas);
  scope.addEventListener("kaoku:inserted", render);
  render();
}
