"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const colour = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const zone = data.tz === "UTC" ? "Etc/UTC" : data.tz;
  const percent = v => v == null ? "–" : (v * 100).toFixed(1) + " %";
  const count = v => v == null ? "–" : v.toLocaleString("en");
  const charts = [];

  // Incidents as shaded spans behind the lines, the moment of detection as a rule.
  const marks = (spans, moment) => ({ hooks: { drawClear: u => {
    const { ctx, bbox } = u, right = bbox.left + bbox.width;
    const clamp = x => Math.min(right, Math.max(bbox.left, x));
    ctx.save();
    ctx.fillStyle = colour("--shade");
    for (const [from, to] of spans) {
      const a = clamp(u.valToPos(from, "x", true));
      const b = to == null ? right : clamp(u.valToPos(to, "x", true));
      ctx.fillRect(a, bbox.top, Math.max(b - a, 2), bbox.height);
    }
    if (moment != null) {
      const x = Math.round(clamp(u.valToPos(moment, "x", true))) + .5;
      ctx.strokeStyle = colour("--bad");
      ctx.lineWidth = 1.5 * devicePixelRatio;
      ctx.beginPath(); ctx.moveTo(x, bbox.top); ctx.lineTo(x, bbox.top + bbox.height); ctx.stroke();
    }
    ctx.restore();
  } } });

  function draw(box, spec, width) {
    const axis = { stroke: () => colour("--quiet"), grid: { stroke: () => colour("--line"), width: 1 }, ticks: { stroke: () => colour("--line"), width: 1 } };
    const dense = spec.x.length > 120;
    const plot = new uPlot({
      width, height: Math.round(Math.min(320, Math.max(220, width * .36))),
      tzDate: at => uPlot.tzDate(new Date(at * 1e3), zone),
      cursor: { y: false, drag: { x: true, y: false } },
      scales: { y: { range: (_, low, high) => spec.zero ? [0, Math.max(high * 1.08, 1e-9)] : [Math.max(0, low - .05), Math.min(1, high + .05)] } },
      axes: [
        { ...axis, values: [[86400, "{MMM} {D}", null, null, null, null, null, null, 1], [3600, "{HH}:{mm}", "\n{MMM} {D}", null, "\n{MMM} {D}", null, null, null, 1], [60, "{HH}:{mm}", "\n{MMM} {D}", null, "\n{MMM} {D}", null, null, null, 1], [1, "{HH}:{mm}:{ss}", "\n{MMM} {D}", null, "\n{MMM} {D}", null, null, null, 1]] },
        { ...axis, size: 56, values: (_, ticks) => ticks.map(v => +(v * 100).toFixed(1) + " %") },
      ],
      series: [
        { label: "From", value: "{YYYY}-{MM}-{DD} {HH}:{mm}" },
        { label: spec.reference, stroke: () => colour("--expected"), width: 1.5, dash: [6, 5], points: { show: false }, value: (_, v) => percent(v) },
        { label: "Seen", stroke: () => colour("--seen"), width: 2, points: { show: !dense, size: 5, fill: () => colour("--seen") }, value: (_, v) => percent(v) },
        { label: "Attempts", scale: "n", show: true, stroke: "transparent", width: 0, points: { show: false }, value: (_, v) => count(v) },
      ],
      plugins: [marks(spec.spans, spec.moment)],
    }, [spec.x, spec.expected, spec.seen, spec.attempts], box);
    return plot;
  }

  for (const box of document.querySelectorAll("[data-chart]")) {
    const spec = data.charts[box.dataset.chart];
    if (!spec || !spec.x.length) { box.remove(); continue; }
    charts.push({ box, spec, plot: draw(box, spec, box.clientWidth || 640) });
  }
  const redraw = width => charts.forEach(c => {
    c.plot.destroy();
    c.plot = draw(c.box, c.spec, width || c.box.clientWidth || 640);
  });
  let waiting = 0;
  new ResizeObserver(() => { cancelAnimationFrame(waiting); waiting = requestAnimationFrame(() => charts.forEach(c => {
    const width = c.box.clientWidth;
    if (width && Math.abs(width - c.plot.width) > 1) c.plot.setSize({ width, height: c.plot.height });
  })); }).observe(document.querySelector("main"));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => redraw());
  // Paper is white whatever the screen was, and narrower.
  addEventListener("beforeprint", () => { document.documentElement.dataset.print = ""; redraw(660); });
  addEventListener("afterprint", () => { delete document.documentElement.dataset.print; redraw(); });
})();
