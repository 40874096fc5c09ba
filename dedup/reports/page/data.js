"use strict";
// The data of the page, decoded once.  Every text of a document reaches the page through textContent.
const page = (() => {
  const raw = JSON.parse(document.getElementById("data").textContent);
  const { clusters, documents, folders } = raw;
  const n = clusters.id.length;
  const start = new Int32Array(n + 1);
  for (let c = 0; c < n; c++) start[c + 1] = start[c] + clusters.listed[c];

  const relationOf = (row) => raw.relations[documents.relation[row]];
  const nameOf = (row) => folders[documents.folder[row]] + documents.tail[row];
  const isKept = (row) => documents.witness[row] < 0 && documents.relation[row] === 0;

  // The figure that decided, in thousandths: 1000 where the letters are equal.
  const similarityOf = (row) => documents.value[row];

  // Any of the figures of a document, by the name of the filter.
  const figureOf = { similarity: similarityOf, jaccard: (row) => documents.jaccard[row], containment: (row) => documents.containment[row] };

  // Of each cluster: relations and sources as bits, and the lowest similarity of a dropped document.
  const relations = new Int32Array(n), groups = new Int32Array(n), lowest = new Int16Array(n);
  for (let c = 0; c < n; c++) {
    let low = 1001;
    for (let row = start[c]; row < start[c + 1]; row++) {
      groups[c] |= 1 << raw.group[documents.folder[row]];
      if (isKept(row)) continue;
      relations[c] |= 1 << documents.relation[row];
      low = Math.min(low, similarityOf(row));
    }
    lowest[c] = low;
  }

  const textsOf = (c) => {
    const element = document.getElementById("texts-" + c);
    return element ? JSON.parse(element.textContent) : { pairs: {}, heads: {} };
  };
  return { ...raw, n, start, relationsOf: relations, groupsOf: groups, lowest, relationOf, nameOf, isKept, similarityOf, figureOf, textsOf };
})();

const number = (n) => n.toLocaleString("en-US");
const counted = (n, noun) => `${number(n)} ${noun}${n === 1 ? "" : "s"}`;
const thousandths = (n) => (n / 1000).toFixed(3);
const bytes = (n) => {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let u = 0;
  while (n >= 999.5 && u < units.length - 1) { n /= 1000; u++; }
  return `${u === 0 || n >= 99.95 ? n.toFixed(0) : n.toFixed(1)} ${units[u]}`;
};

// An element with attributes and children; strings become text, never markup.
const h = (tag, attributes, ...children) => {
  const svg = ["svg", "rect", "path"].includes(tag);
  const element = svg ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== false && value != null) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
};

// A name that may go on in another line after each of its separators.
const broken = (name) => name.split(/(?<=[/\\_.:!#-])(?=[^/\\_.:!#-])/).flatMap((part, i) => (i ? [h("wbr"), part] : [part]));

// Code, tables and front matter, of which the spaces tell something.
const isCode = (text) => {
  const lines = text.split("\n").filter((line) => line.trim());
  const marked = lines.filter((line) => /^(\s{2,}\S|\t|[-+]{3}$|[\w.-]+:\s|[#<{}|*/]|\s*(def|class|import|from|return|if|for|function|const|var|let|public|static|#include)\b)|[;{}]\s*$/.test(line));
  return lines.length > 2 && marked.length > lines.length * 0.6;
};

const chip = (relation, ...rest) => h("span", { class: "chip r-" + relation }, relation, ...rest);

// Light, dark, or as the system has it.
{
  const button = document.getElementById("theme");
  const themes = ["auto", "light", "dark"];
  let theme = "auto";
  try { theme = localStorage.getItem("dedup-theme") || theme; } catch { /* a page from disk may have no storage */ }
  const set = (name) => {
    theme = themes.includes(name) ? name : "auto";
    if (theme === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    button.textContent = "Theme: " + theme;
    try { localStorage.setItem("dedup-theme", theme); } catch { /* likewise */ }
    document.dispatchEvent(new Event("theme"));
  };
  button.addEventListener("click", () => set(themes[(themes.indexOf(theme) + 1) % themes.length]));
  button.hidden = false;
  set(theme);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => document.dispatchEvent(new Event("theme")));
}
