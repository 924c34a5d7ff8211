/** A live time series on a canvas (uPlot, see ADR 13), told in words for those who can't see it. */
import { useEffect, useMemo, useRef, useState } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";

import { axisTime, bothZones } from "../view/format";
import { useIsDark } from "../view/theme";

export type Line = { name: string; values: (number | null)[]; colour: string; dash?: number[]; width?: number };
export type Band = { low: (number | null)[]; high: (number | null)[]; colour: string; name: string };
export type Mark = { at: number; name: string };

const css = (name: string) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

type Props = {
  /** What it shows, in a sentence. */
  label: string;
  /** Epoch ms. */
  times: number[];
  lines: Line[];
  band?: Band;
  marks?: Mark[];
  height?: number;
  format: (value: number | null) => string;
  range?: [number, number];
};

/** Colours are names of custom properties, resolved when it is drawn. */
export function Chart({ label, times, lines, band, marks, height = 220, format, range }: Props) {
  const holder = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const [shown, setShown] = useState<number | null>(null);
  const isDark = useIsDark();
  const data = useMemo<uPlot.AlignedData>(
    () => [
      times.map((at) => at / 1_000),
      ...(band === undefined ? [] : [band.high, band.low]),
      ...lines.map((line) => line.values),
    ],
    [times, band, lines],
  );
  const latest = useRef(data);
  const marked = useRef(marks);
  useEffect(() => {
    latest.current = data;
    marked.current = marks;
  });
  // The chart is made anew when its make changes, not when its data do.
  const make = JSON.stringify([lines.map((l) => [l.name, l.colour, l.dash, l.width]), band?.colour, height, range, isDark]);

  useEffect(() => {
    const element = holder.current;
    if (element === null) return;
    const axis = { stroke: css("--muted"), grid: { stroke: css("--grid"), width: 1 }, ticks: { stroke: css("--grid"), width: 1 }, font: "11px system-ui" };
    const bandColour = band === undefined ? "" : css(band.colour);
    const options: uPlot.Options = {
      width: Math.max(element.clientWidth, 200),
      height,
      legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false } },
      scales: { x: { time: true }, y: range === undefined ? {} : { range: () => range } },
      axes: [{ ...axis, values: (_, at, _axis, _space, step) => at.map((s) => axisTime(s * 1_000, step)) }, { ...axis, size: 56, values: (_, values) => values.map((value) => format(value)) }],
      series: [
        {},
        ...(band === undefined
          ? []
          : [
              { label: "high", stroke: "transparent", points: { show: false } },
              { label: "low", stroke: "transparent", points: { show: false } },
            ]),
        ...lines.map((line) => ({
          label: line.name,
          stroke: css(line.colour),
          width: line.width ?? 2,
          points: { show: false },
          spanGaps: false,
          ...(line.dash === undefined ? {} : { dash: line.dash }),
        })),
      ],
      ...(band === undefined ? {} : { bands: [{ series: [1, 2] as [number, number], fill: bandColour }] }),
      hooks: {
        draw: [(u) => drawMarks(u, marked.current ?? [])],
        setCursor: [(u) => setShown(u.cursor.idx ?? null)],
      },
    };
    const made = new uPlot(options, latest.current, element);
    plot.current = made;
    const watch = new ResizeObserver(() => {
      made.setSize({ width: Math.max(element.clientWidth, 200), height });
    });
    watch.observe(element);
    return () => {
      watch.disconnect();
      made.destroy();
      plot.current = null;
    };
    // `make` stands for all that the chart is made of.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [make]);

  useEffect(() => plot.current?.setData(data), [data]);

  const index = shown ?? times.length - 1;
  const at = times[index];
  return (
    <figure className="chart">
      <div ref={holder} role="img" aria-label={label} className="canvas" style={{ minHeight: height }} />
      <figcaption>
        {lines.map((line) => (
          <span key={line.name} className="key">
            <svg className="stroke" viewBox="0 0 28 4" aria-hidden="true">
              <line x1="0" y1="2" x2="28" y2="2" strokeDasharray={line.dash?.join(" ")} style={{ stroke: `var(${line.colour})` }} />
            </svg>
            {line.name} <b>{format(line.values[index] ?? null)}</b>
          </span>
        ))}
        {band !== undefined && (
          <span className="key">
            <span className="swatch wide" style={{ background: `var(${band.colour})` }} aria-hidden="true" />
            {band.name} <b>{format(band.low[index] ?? null)} to {format(band.high[index] ?? null)}</b>
          </span>
        )}
        {at !== undefined && <span className="when">{bothZones(at)}</span>}
      </figcaption>
    </figure>
  );
}

function drawMarks(u: uPlot, marks: Mark[]): void {
  const { ctx, bbox } = u;
  const ratio = devicePixelRatio;
  ctx.save();
  ctx.strokeStyle = css("--muted");
  ctx.fillStyle = css("--text");
  ctx.font = `${11 * ratio}px system-ui`;
  ctx.setLineDash([3 * ratio, 3 * ratio]);
  marks.forEach((mark, i) => {
    const x = Math.round(u.valToPos(mark.at / 1_000, "x", true));
    if (x < bbox.left || x > bbox.left + bbox.width) return;
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    // Names on three levels, so that moments close to each other can be read.
    const isRight = x > bbox.left + bbox.width * 0.8;
    ctx.textAlign = isRight ? "right" : "left";
    ctx.fillText(mark.name, x + (isRight ? -4 : 4) * ratio, bbox.top + (12 + (i % 3) * 14) * ratio);
  });
  ctx.restore();
}
