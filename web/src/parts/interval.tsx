/** A rate with its interval on a scale, one above the other, so that they are compared by eye. */
import { share } from "../view/format";

export type Scale = { from: number; to: number };

/** Whole tenths, so that the scale stands still while the intervals converge. */
export function tenths(intervals: { low: number; high: number }[]): Scale {
  const lows = intervals.map(({ low }) => low);
  const highs = intervals.map(({ high }) => high);
  return { from: Math.max(0, Math.floor(Math.min(...lows) * 10) / 10), to: Math.min(1, Math.ceil(Math.max(...highs) * 10) / 10) };
}

/** `label` says it to those who don't see it; `zero` marks where no difference is. */
export function Interval({ low, high, value, scale, label, zero = false }: { low: number; high: number; value: number | null; scale: Scale; label: string; zero?: boolean }) {
  const within = (at: number) => Math.min(1, Math.max(0, (at - scale.from) / Math.max(scale.to - scale.from, 1e-9)));
  const place = (at: number) => `${100 * within(at)}%`;
  return (
    <div className="interval" role="img" aria-label={label}>
      {zero && <span className="zero" style={{ left: place(0) }} />}
      <span className="range" style={{ left: place(low), width: `calc(${place(high)} - ${place(low)})` }} />
      {value !== null && <span className="mark" style={{ left: place(value) }} />}
    </div>
  );
}

export function Ruler({ scale, format = share }: { scale: Scale; format?: (value: number) => string }) {
  return (
    <div className="ruler" aria-hidden="true">
      <span>{format(scale.from)}</span>
      <span>{format((scale.from + scale.to) / 2)}</span>
      <span>{format(scale.to)}</span>
    </div>
  );
}
