// The histogram of verified pairs and the sizes of clusters, drawn by uPlot.
const charts = (() => {
  const colour = (variable) => {
    const probe = h("span", {});
    probe.style.color = `var(${variable})`;
    document.body.append(probe);
    const found = getComputedStyle(probe).color;
    probe.remove();
    return found;
  };
  const HEIGHT = 230, FONT = "12px system-ui, sans-serif";
  const BY = { Jaccard: "jaccard", containment: "containment" };
  const whole = (u, values) => values.map((v) => (Number.isInteger(v) ? number(v) : ""));

  const axes = (labels, size) => {
    const stroke = colour("--dim"), grid = { stroke: colour("--rule"), width: 1 };
    return [
      { stroke, font: FONT, grid: { show: false }, ticks: { show: false }, gap: 6, size: 30, ...labels },
      { stroke, font: FONT, grid, ticks: { show: false }, values: whole, size: size || 52, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5, 2e5, 5e5, 1e6, 2e6, 5e6, 1e7] },
    ];
  };

  // A line of text that follows the pointer.
  const tip = (lines) => {
    const box = h("div", { class: "tip", hidden: true });
    return {
      hooks: {
        init: [(u) => u.over.append(box)],
        setCursor: [(u) => {
          const { idx, left } = u.cursor;
          const shown = left >= 0 && idx != null ? lines(idx) : null;
          box.hidden = !shown;
          if (!shown) return;
          box.replaceChildren(...shown.map((line, i) => h(i ? "div" : "b", {}, line)));
          const right = left > u.over.clientWidth / 2;
          box.style.left = right ? "auto" : `${left + 12}px`;
          box.style.right = right ? `${u.over.clientWidth - left + 12}px` : "auto";
          box.style.top = "4px";
        }],
      },
    };
  };

  const vertical = (at, label) => ({
    hooks: {
      draw: [(u) => {
        const { ctx, bbox } = u, x = Math.round(u.valToPos(at, "x", true)), ratio = devicePixelRatio;
        ctx.save();
        ctx.strokeStyle = ctx.fillStyle = colour("--ink");
        ctx.lineWidth = 1.5 * ratio;
        ctx.setLineDash([4 * ratio, 3 * ratio]);
        ctx.beginPath();
        ctx.moveTo(x, bbox.top);
        ctx.lineTo(x, bbox.top + bbox.height);
        ctx.stroke();
        ctx.font = `${12 * ratio}px system-ui, sans-serif`;
        ctx.textBaseline = "top";
        const flip = x > bbox.left + bbox.width / 2;
        ctx.textAlign = flip ? "right" : "left";
        ctx.fillText(label, x + (flip ? -6 : 6) * ratio, bbox.top + 2 * ratio);
        ctx.restore();
      }],
    },
  });

  let drawn = [], figure = 0;
  const off = new Set();

  const histogram = (onSelect) => {
    const box = document.getElementById("histogram");
    const { name, option, line, series } = page.histograms[figure];
    const all = Object.keys(series).map(Number), shown = all.filter((r) => !off.has(r));
    const bins = series[all[0]].length, x = Array.from({ length: bins }, (_, i) => (i + 0.5) / bins);
    // Stacked: each relation is drawn with all that lie below it, the tallest first.
    const sums = [];
    shown.forEach((r, i) => sums.push(series[r].map((v, b) => v + (i ? sums[i - 1][b] : 0))));
    const layers = shown.map((r, i) => [r, sums[i]]).reverse();
    const lines = (bin) => {
      const rows = all.filter((r) => series[r][bin]).map((r) => `${page.relations[r]} ${number(series[r][bin])}`);
      return rows.length ? [`${(bin / bins).toFixed(2)} to ${((bin + 1) / bins).toFixed(2)}`, ...rows] : null;
    };
    const plugins = [tip(lines)];
    if (line != null) plugins.push(vertical(line, `${option.replace("_", "-")} ${line}`));
    const plot = new uPlot({
      width: box.clientWidth, height: HEIGHT, padding: [10, 8, 0, 0], legend: { show: false }, plugins,
      cursor: { points: { show: false }, y: false, drag: { x: true, y: false, setScale: false } },
      scales: { x: { time: false, range: [0, 1] }, y: { range: (u, low, high) => [0, Math.max(1, high || 0) * 1.08] } },
      axes: axes({ values: (u, values) => values.map((v) => v.toFixed(1)) }),
      series: [{}, ...layers.map(([r]) => ({
        fill: colour("--" + page.relations[r]), stroke: colour("--paper"), width: 0, points: { show: false },
        paths: uPlot.paths.bars({ size: [0.86, 100], gap: 1 }),
      }))],
      hooks: {
        setSelect: [(u) => {
          if (u.select.width < 4) return;
          const clamp = (v) => Math.min(1, Math.max(0, v)).toFixed(2);
          onSelect(BY[name] || "similarity", clamp(u.posToVal(u.select.left, "x")), clamp(u.posToVal(u.select.left + u.select.width, "x")));
          u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
        }],
      },
    }, [x, ...layers.map(([, values]) => values)], box);
    const total = all.reduce((sum, r) => sum + series[r].reduce((a, b) => a + b, 0), 0);
    box.setAttribute("aria-label", `Histogram of the ${name} of ${counted(total, "verified pair")}; ${option.replace("_", "-")} is ${line}.`);
    document.getElementById("legend").replaceChildren(...all.map((r) => h("button", {
      type: "button", class: "chip r-" + page.relations[r], "aria-pressed": String(!off.has(r)), title: "Show or hide",
      onclick: () => { off.has(r) ? off.delete(r) : off.add(r); draw(onSelect); },
    }, page.relations[r])));
    document.getElementById("histogram-note").textContent =
      `${counted(total, "verified pair")} by ${name}. A pair counts when one of its figures reaches its line. Drag across to list the clusters that have such documents; press a relation to leave it out.`;
    return plot;
  };

  const sizes = () => {
    const box = document.getElementById("sizes"), labels = page.sizes.map(([label]) => label);
    const values = page.sizes.map(([, n]) => n);
    box.setAttribute("aria-label", "Clusters by size: " + page.sizes.map(([label, n]) => `${label} documents: ${number(n)}`).join("; "));
    return new uPlot({
      width: box.clientWidth, height: HEIGHT, padding: [10, 8, 0, 0], legend: { show: false },
      plugins: [tip((i) => [`${labels[i]} documents`, counted(values[i], "cluster")])],
      cursor: { points: { show: false }, y: false, drag: { x: false, y: false } },
      scales: { x: { time: false, range: [-0.6, Math.max(labels.length, 4) - 0.4] }, y: { range: (u, low, high) => [0, Math.max(1, high) * 1.08] } },
      axes: axes({ splits: () => labels.map((_, i) => i), values: () => labels }),
      series: [{}, { fill: colour("--kept"), width: 0, points: { show: false }, paths: uPlot.paths.bars({ size: [0.62, 64], radius: 0.06 }) }],
    }, [labels.map((_, i) => i), values], box);
  };

  const draw = (onSelect) => {
    const box = document.getElementById("histogram");
    if (!box || !box.clientWidth) return;
    drawn.forEach((plot) => plot.destroy());
    document.getElementById("figure").replaceChildren(...page.histograms.map(({ name }, i) => h("button", {
      type: "button", "aria-pressed": String(i === figure),
      onclick: () => { figure = i; draw(onSelect); document.querySelectorAll("#figure button")[i].focus(); },
    }, name)));
    drawn = page.histograms.length ? [histogram(onSelect), sizes()] : [sizes()];
  };

  return (onSelect) => {
    draw(onSelect);
    document.addEventListener("theme", () => draw(onSelect));
    let timer = 0;
    addEventListener("resize", () => { clearTimeout(timer); timer = setTimeout(() => draw(onSelect), 120); });
    return () => draw(onSelect);
  };
})();
