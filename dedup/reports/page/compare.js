// A cluster, and one of its documents side by side with its witness.
const compare = (() => {
  const STATES = ["", "changed since the scan", "gone since the scan"], LOST = ["", "changed", "gone"];
  const KINDS = { 1: ["del", "ins"], 2: ["del", "ins"], 3: ["del", "ins"], 4: ["span", "span"] };
  const quoted = (name) => (/^[\w@%+=:,./-]+$/.test(name) ? name : `'${name.replaceAll("'", `'"'"'`)}'`);
  const link = (c, row) => `#cluster=${page.clusters.id[c]}${row === undefined ? "" : "&document=" + row}`;

  // A passage as it is stored: text, or [its beginning, characters left out, its end].
  const passage = (stored) => typeof stored === "string" ? [stored] : [
    stored[0], h("span", { class: "gap" }, ` … ${counted(stored[1], "character")} not in this page … `), stored[2],
  ];
  const marked = (span, side) => {
    const [kind, left, right] = span;
    const stored = side && right !== 0 ? right : left;
    if (stored === "") return [];
    if (!kind) return passage(stored);
    const mark = (...children) => h(KINDS[kind][side], { class: kind === 4 ? "spelt" : false }, ...children);
    if (typeof stored !== "string") return [mark(...passage(stored))];
    const body = stored.trimEnd(); // the space after the last word is not marked
    return body ? [mark(body), stored.slice(body.length)] : [stored];
  };
  const pair = (left, right) => h("div", { class: "pair" + (isCode(left.concat(right).map((part) => part.textContent ?? part).join("")) ? " code" : "") },
    h("div", { dir: "auto", "data-side": "document" }, ...left), h("div", { dir: "auto", "data-side": "witness" }, ...right));
  const part = ([kind, ...rest]) => {
    if (kind) return pair(rest[0].flatMap((span) => marked(span, 0)), rest[0].flatMap((span) => marked(span, 1)));
    const [words, left, right] = rest;
    return h("details", { class: "fold" }, h("summary", {}, `${counted(words, "word")} the same`),
      pair(passage(left), passage(right === 0 ? left : right)));
  };

  // Both texts as bars, to one scale; the shared passages are joined by bands, so a part stands over its place.
  const map = (relation, { length: [a, b], blocks, lines }, onPlace) => {
    const WIDTH = 1000, TALL = 12, LOW = 62, scale = WIDTH / Math.max(a, b, 1);
    const first = blocks.length ? (blocks[0][2] - blocks[0][0]) * scale : 0;
    const shift = [Math.max(0, Math.min(first, WIDTH - a * scale)), Math.max(0, Math.min(-first, WIDTH - b * scale))];
    const x = (side, at) => (shift[side] + at * scale).toFixed(2);
    const wide = (from, to) => Math.max(1, (to - from) * scale).toFixed(2);
    const svg = h("svg", { viewBox: `0 0 ${WIDTH} 74`, preserveAspectRatio: "none", "aria-hidden": "true" });
    svg.append(h("rect", { class: "left", x: x(0, 0), y: 0, width: wide(0, a), height: TALL }), h("rect", { class: "right", x: x(1, 0), y: LOW, width: wide(0, b), height: TALL }));
    for (const [i, i2, j, j2] of blocks) {
      svg.append(h("path", { class: "band", d: `M${x(0, i)} ${TALL}H${x(0, i2)}L${x(1, j2)} ${LOW}H${x(1, j)}Z` }));
      svg.append(h("rect", { class: "here", x: x(0, i), y: 0, width: wide(i, i2), height: TALL }), h("rect", { class: "here", x: x(1, j), y: LOW, width: wide(j, j2), height: TALL }));
    }
    svg.addEventListener("click", (event) => {
      const box = svg.getBoundingClientRect(), side = event.clientY - box.top > box.height / 2 ? 1 : 0;
      onPlace(side, (((event.clientX - box.left) / box.width) * WIDTH - shift[side]) / scale);
    });
    const shared = blocks.reduce((sum, [, , j, j2]) => sum + j2 - j, 0);
    const where = lines
      ? `The document lies in lines ${number(lines[0])}–${number(lines[1])} of ${number(lines[2])} of its witness.`
      : `${Math.round((100 * shared) / Math.max(1, b))} % of the witness is shared.`;
    return h("figure", { class: "map r-" + relation },
      h("p", {}, h("span", {}, `document, ${counted(a, "character")}`)), svg,
      h("p", {}, h("span", {}, `witness, ${counted(b, "character")}`), h("span", {}, where)));
  };

  const figures = (row, witness, texts) => {
    const d = page.documents, entries = [];
    const add = (name, value) => entries.push(h("div", {}, h("dt", {}, name), h("dd", {}, value)));
    const name = page.figures[d.figure[row]];
    if (name) add("decided by", name === "letters" ? "equal letters" : `${name} ${thousandths(d.value[row])}, from ${d.line[row] / 1000} on`);
    add("lost", row in page.lost ? page.lost[row].replace("lost ", "") : "nothing");
    add("Jaccard", thousandths(d.jaccard[row]));
    add("containment", thousandths(d.containment[row]));
    if (row in page.discounted[0]) {
      add("without boilerplate", `J ${thousandths(page.discounted[0][row])}, C ${thousandths(page.discounted[1][row])}`);
    }
    if (row in page.skeleton) add("skeleton Jaccard", thousandths(page.skeleton[row]));
    const more = d.witness_size[row] / Math.max(1, d.size[row]);
    add("shingles", `${number(d.size[row])} / ${number(d.witness_size[row])}${more >= 1.1 ? `, ${more.toFixed(1)} times as many in the witness` : ""}`);
    if (witness >= 0) add("bytes", `${number(d.bytes[row])} / ${number(d.bytes[witness])}`);
    if (texts && texts.encoding[0] !== texts.encoding[1]) add("encoding", `${texts.encoding[0]} / ${texts.encoding[1]}`);
    if (texts && (texts.repairs[0] || texts.repairs[1])) add("repairs", texts.repairs.map((r) => r || "none").join(" / "));
    return h("dl", { class: "figures" }, ...entries);
  };

  const respelt = ({ otherwise, otherwise_all: all }) => otherwise.length ? h("div", { class: "words" },
    h("h3", {}, `Same letters, written otherwise in ${counted(all, "place")}`),
    h("ul", {}, ...otherwise.map(([n, left, right]) => h("li", {},
      h("span", { class: "dim" }, n > 1 ? `${number(n)} × ` : ""), h("span", { class: "spelt" }, left), " → ", h("span", { class: "spelt" }, right))))) : null;

  const commandFor = (row, witness) => [
    h("p", {}, "The texts of this pair are not in this page. They are shown by"),
    h("code", { class: "command" }, `dedup explain ${quoted(page.nameOf(row))} ${quoted(page.nameOf(witness))}${page.option}`),
  ];

  const side = (row, what) => h("div", {}, h("small", {}, what), ...broken(page.nameOf(row)),
    page.documents.state[row] ? h("small", { class: "gone" }, STATES[page.documents.state[row]]) : null);

  const dropped = (row, start, texts) => {
    const witness = page.documents.witness[row] < 0 ? -1 : start + page.documents.witness[row];
    const found = texts.pairs[row - start], relation = page.relationOf(row);
    const what = page.what[page.documents.relation[row]];
    const out = [h("h2", {}, chip(relation), h("small", {}, what)), figures(row, witness, found)];
    if (witness < 0) return [...out, h("p", {}, "Its witness is not listed in this page.")];
    const names = h("div", { class: "pair names" }, side(row, "document, dropped"), side(witness, "witness, kept"));
    if (!found) {
      const lost = Math.max(page.documents.state[row], page.documents.state[witness]);
      const why = lost ? [h("p", { class: "note" }, `One of the two files has ${LOST[lost]} since the scan; the figures are those of the scan.`)] : commandFor(row, witness);
      return [...out, names, ...why];
    }
    const parts = found.parts.map(part);
    const onPlace = (which, at) => {
      let at_part = 0;
      found.parts.forEach((stored, i) => { if (stored[stored.length - 2 + which] <= at) at_part = i; });
      const element = parts[at_part];
      if (!element) return;
      if (element.tagName === "DETAILS") element.open = true;
      element.scrollIntoView({ block: "center" });
    };
    if (parts.length === 1 && parts[0].tagName === "DETAILS") parts[0].open = true;
    const more = found.more ? [h("p", { class: "note" }, `And ${counted(found.more, "more place")} that differ.`), h("code", { class: "command" }, `dedup explain ${quoted(page.nameOf(row))} ${quoted(page.nameOf(witness))}${page.option}`)] : [];
    return [...out, map(relation, found, onPlace), respelt(found), names, ...parts, ...more];
  };

  const kept = (row, start, c, texts) => {
    const reason = page.reasons[page.clusters.reason[c]], head = texts.heads[row - start];
    const out = [h("h2", {}, chip("kept")), h("p", {}, h("span", { class: "path" }, page.nameOf(row)))];
    if (row === start && reason) out.push(h("p", { class: "dim" }, `Canonical, chosen by: ${reason}. ${bytes(page.documents.bytes[row])}.`));
    if (page.documents.state[row]) out.push(h("p", { class: "note" }, `The file has ${LOST[page.documents.state[row]]} since the scan.`));
    if (head) out.push(h("div", { class: "text" + (isCode(typeof head === "string" ? head : head[0]) ? " code" : ""), dir: "auto" }, ...passage(head)));
    return out;
  };

  const member = (row, start, c, current) => h("li", {}, h("a", { href: link(c, row - start), "aria-current": row === current ? "true" : null },
    h("span", { class: "chip r-" + (page.isKept(row) ? "kept" : page.relationOf(row)) },
      page.isKept(row) ? (row === start ? "kept, canonical" : "kept") : page.relationOf(row),
      page.isKept(row) ? null : h("span", { class: "figure" }, thousandths(page.similarityOf(row)))),
    h("span", { class: "path" }, ...broken(page.nameOf(row))),
    page.documents.state[row] ? h("span", { class: "gone" }, STATES[page.documents.state[row]]) : null));

  // The view of cluster c with one of its documents; `around` are the clusters before and after it.
  const show = (c, chosen, around) => {
    const start = page.start[c], end = page.start[c + 1], texts = page.textsOf(c);
    let row = chosen === undefined ? -1 : start + chosen;
    if (!(row >= start && row < end)) {
      row = start;
      for (let i = start; i < end; i++) { // the one that differs most, and of which the texts are here
        const first = page.isKept(row), here = texts.pairs[i - start] !== undefined, there = texts.pairs[row - start] !== undefined;
        if (!page.isKept(i) && (first || here > there || (here === there && page.similarityOf(i) < page.similarityOf(row)))) row = i;
      }
    }
    const button = (to, label, key) => h("a", { class: "button", href: to === undefined ? null : link(to), "aria-disabled": to === undefined ? "true" : null, "data-key": key }, label);
    const { size, kept: nKept, saved, listed, id } = page.clusters;
    const facts = `${counted(size[c], "document")}, ${number(nKept[c])} kept; dropping the others saves ${bytes(saved[c])}.`;
    const cut = size[c] - listed[c];
    const members = h("ol", { class: "members" }, ...Array.from({ length: end - start }, (_, i) => member(start + i, start, c, row)));
    const panes = h("div", { class: "panes" },
      h("nav", { "aria-label": "Documents of the cluster" }, members, cut ? h("p", { class: "dim small" }, `And ${number(cut)} more: dedup show ${id[c]}${page.option}`) : null),
      h("section", { class: "compare", "aria-label": "Comparison" }, ...(page.isKept(row) ? kept(row, start, c, texts) : dropped(row, start, texts)).filter(Boolean)));
    const title = page.titles[c] || page.nameOf(start);
    document.getElementById("cluster").replaceChildren(
      h("nav", { class: "trail", "aria-label": "Clusters" }, h("a", { class: "button", href: "#clusters", "data-key": "Escape" }, "← All clusters"), h("span", { class: "spring" }), button(around[0], "Previous", "ArrowLeft"), button(around[1], "Next", "ArrowRight")),
      h("h1", { tabindex: "-1", dir: "auto" }, title),
      h("p", { class: "facts dim" }, `Cluster ${number(id[c])}. ${facts} Kept for them: `, h("span", { class: "path" }, ...broken(page.nameOf(start))), " Decide: ", h("code", {}, `dedup review --cluster ${id[c]}${page.option}`)), panes);
    const current = members.querySelector("[aria-current]");
    if (current) members.scrollTop = current.offsetTop - members.offsetTop - members.clientHeight / 3;
  };
  return { show, link };
})();
