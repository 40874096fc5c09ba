// The list of clusters: search, filter, sort, pages; and what the address after # says is shown.
(() => {
  const ROWS = 50;
  const overview = document.getElementById("overview"), cluster = document.getElementById("cluster");
  const list = document.getElementById("list");
  if (!list) return;
  const body = list.tBodies[0], pager = document.getElementById("pager"), found = document.getElementById("found");
  const field = Object.fromEntries(["q", "relation", "source", "by", "low", "high", "sort"].map((id) => [id, document.getElementById(id)]));
  const form = document.getElementById("filters");
  const { clusters, start, relations } = page;
  let order = [], at = 0;

  for (const [i, name] of relations.entries()) {
    if (page.relationsOf.some((bits) => bits & (1 << i))) field.relation.append(h("option", { value: i }, name));
  }
  page.groups.forEach((name, i) => field.source.append(h("option", { value: i }, name)));

  // Lower-cased names and first line of a cluster, made when first searched.
  const haystacks = new Array(page.n);
  const haystack = (c) => {
    if (haystacks[c] === undefined) {
      const names = [`#${clusters.id[c]} ${page.titles[c] || ""}`];
      for (let row = start[c]; row < start[c + 1]; row++) names.push(page.nameOf(row));
      haystacks[c] = names.join("\n").toLowerCase();
    }
    return haystacks[c];
  };

  const fits = (c, want) => {
    if (want.relation && !(page.relationsOf[c] & (1 << want.relation))) return false;
    if (want.source !== "" && !(page.groupsOf[c] & (1 << want.source))) return false;
    if (want.low > 0 || want.high < 1000) {
      let any = false;
      for (let row = start[c]; row < start[c + 1] && !any; row++) {
        if (page.isKept(row) || (want.relation && page.documents.relation[row] !== +want.relation)) continue;
        const figure = want.figureOf(row);
        any = figure >= want.low && figure <= want.high;
      }
      if (!any) return false;
    }
    return !want.q || haystack(c).includes(want.q);
  };

  const SORTS = {
    size: (a, b) => clusters.size[b] - clusters.size[a],
    low: (a, b) => page.lowest[a] - page.lowest[b],
    saved: (a, b) => clusters.saved[b] - clusters.saved[a],
    name: (a, b) => { const x = page.nameOf(start[a]), y = page.nameOf(start[b]); return x < y ? -1 : x > y ? 1 : 0; },
    id: (a, b) => clusters.id[a] - clusters.id[b],
  };

  const apply = () => {
    const bound = (input, otherwise) => (input.value === "" || Number.isNaN(+input.value) ? otherwise : Math.round(+input.value * 1000));
    const want = { q: field.q.value.trim().toLowerCase(), relation: field.relation.value, source: field.source.value, low: bound(field.low, 0), high: bound(field.high, 1000), figureOf: page.figureOf[field.by.value] };
    order = [];
    for (let c = 0; c < page.n; c++) if (fits(c, want)) order.push(c);
    const by = SORTS[field.sort.value];
    if (field.sort.value !== "size") order.sort((a, b) => by(a, b) || a - b); // the data are in the order of size
    at = 0;
    render();
  };

  const row = (c) => {
    const counts = new Map();
    for (let i = start[c]; i < start[c + 1]; i++) if (!page.isKept(i)) counts.set(page.relationOf(i), (counts.get(page.relationOf(i)) || 0) + 1);
    const kept = clusters.kept[c] > 1 ? `, ${number(clusters.kept[c])} kept` : "";
    const lowest = page.lowest[c] > 1000 ? "" : thousandths(page.lowest[c]);
    return h("tr", { "data-cluster": c },
      h("td", { class: "n dim" }, number(clusters.id[c])),
      h("td", {}, h("a", { class: "path", href: compare.link(c) }, ...broken(page.nameOf(start[c]))), page.titles[c] ? h("span", { class: "title", dir: "auto" }, page.titles[c]) : null),
      h("td", { class: "n", "data-label": "documents" }, number(clusters.size[c]) + kept),
      h("td", {}, h("span", { class: "chips" }, ...[...counts].map(([name, n]) => chip(name, " ", h("b", {}, number(n)))))),
      h("td", { class: "n", "data-label": "lowest" }, lowest),
      h("td", { class: "n", "data-label": "saves" }, bytes(clusters.saved[c])));
  };

  const render = () => {
    const pages = Math.max(1, Math.ceil(order.length / ROWS)), first = at * ROWS, last = Math.min(order.length, first + ROWS);
    body.replaceChildren(...order.slice(first, last).map(row));
    list.hidden = !order.length;
    const some = order.length === page.n ? counted(page.n, "cluster") : `${number(order.length)} of ${counted(page.n, "cluster")}`;
    found.textContent = order.length ? `${some}; ${number(first + 1)}–${number(last)} shown` : "No cluster fits; clear a filter.";
    const go = (to, label) => h("button", { type: "button", disabled: to < 0 || to >= pages, onclick: () => { at = to; render(); document.getElementById("clusters").scrollIntoView(); } }, label);
    pager.hidden = pages === 1;
    pager.replaceChildren(go(at - 1, "Previous"), h("span", {}, `page ${number(at + 1)} of ${number(pages)}`), go(at + 1, "Next"));
  };

  // ------------------------------------------------------------------ what is shown

  let scrolled = 0, open = -1;
  const placeOf = new Map(clusters.id.map((id, c) => [id, c]));

  const route = () => {
    const wanted = new URLSearchParams(location.hash.slice(1)), id = wanted.get("cluster");
    const c = id === null ? undefined : placeOf.get(+id);
    if (id === null) {
      const before = open;
      overview.hidden = false;
      cluster.hidden = true;
      open = -1;
      if (before >= 0) {
        redraw();
        scrollTo({ top: scrolled, behavior: "instant" });
        body.querySelector(`[data-cluster="${before}"] a`)?.focus({ preventScroll: true });
      }
      return;
    }
    if (open < 0 && !overview.hidden) scrolled = scrollY;
    overview.hidden = true;
    cluster.hidden = false;
    if (c === undefined) {
      cluster.replaceChildren(h("p", {}, h("a", { class: "button", href: "#clusters" }, "← All clusters")), h("p", {}, `Cluster ${id} is not in this page.`));
      return;
    }
    const i = order.indexOf(c), chosen = wanted.get("document");
    const same = open === c, y = scrollY;
    compare.show(c, chosen === null ? undefined : +chosen, i < 0 ? [] : [order[i - 1], order[i + 1]]);
    open = c;
    if (same) { scrollTo({ top: y, behavior: "instant" }); cluster.querySelector("[aria-current]")?.focus({ preventScroll: true }); }
    else { scrollTo({ top: 0, behavior: "instant" }); cluster.querySelector("h1").focus({ preventScroll: true }); }
  };

  const filterBy = (values) => {
    for (const [name, value] of Object.entries(values)) field[name].value = value;
    apply();
    document.getElementById("clusters").scrollIntoView();
  };

  let timer = 0;
  // What was searched for is shown: the list, and not what stands below the window.
  const searched = () => {
    apply();
    if (list.getBoundingClientRect().top > innerHeight * 0.8) document.getElementById("clusters").scrollIntoView();
  };
  form.addEventListener("input", (event) => { clearTimeout(timer); timer = event.target === field.q ? setTimeout(searched, 120) : setTimeout(apply, 0); });
  form.addEventListener("reset", () => setTimeout(apply, 0));
  form.addEventListener("submit", (event) => { event.preventDefault(); apply(); });
  body.addEventListener("click", (event) => {
    const line = event.target.closest("tr");
    if (line && !event.target.closest("a") && !String(getSelection())) location.hash = compare.link(+line.dataset.cluster);
  });
  overview.addEventListener("click", (event) => {
    const button = event.target.closest("[data-relation], [data-source]");
    if (!button) return;
    const { relation, source } = button.dataset;
    filterBy(relation === undefined ? { source } : { relation: relations.indexOf(relation) });
  });
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const typing = event.target.closest("input, select, textarea");
    if (event.key === "/" && !typing && !overview.hidden) { event.preventDefault(); field.q.focus(); return; }
    if (typing) return;
    if (!cluster.hidden && ["Escape", "ArrowLeft", "ArrowRight"].includes(event.key)) {
      const button = cluster.querySelector(`[data-key="${event.key}"][href]`);
      if (button) { event.preventDefault(); location.hash = button.getAttribute("href"); }
    }
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    const links = [...document.querySelectorAll(cluster.hidden ? "#list tbody a" : ".members a")], i = links.indexOf(document.activeElement);
    const next = i < 0 && event.key === "ArrowUp" ? undefined : links[i + (event.key === "ArrowDown" ? 1 : -1)];
    if (next) { event.preventDefault(); next.focus(); }
  });
  addEventListener("hashchange", route);

  form.hidden = false;
  document.getElementById("more-filters").open = matchMedia("(min-width: 44rem)").matches;
  const redraw = charts((by, low, high) => filterBy({ by, low, high }));
  apply();
  route();
})();
