/** Both arms' confidence sequences, narrowing as attempts come. */
import { useStandings } from "../live/arms";
import { sequences } from "../view/converge";
import { count, percent, share, SURE } from "../view/format";
import { place, scale } from "../view/scatter";

const WIDTH = 1000;
const HEIGHT = 260;
const EDGE = { left: 48, right: 12, top: 12, bottom: 34 };

export function Converging({ experiment }: { experiment: string }) {
  const told = useStandings(experiment);
  const all = sequences(told);
  const most = Math.max(0, ...all.flatMap((s) => s.points.map((p) => p.n)));
  if (told.length < 2) return <p className="note">How the intervals narrow is drawn as outcomes come.</p>;
  const least = Math.min(...all.flatMap((s) => s.points.map((p) => p.n)));
  const across = scale([least, most], 0);
  const x = (n: number) => place(across, n, EDGE.left, WIDTH - EDGE.right);
  const y = (rate: number) => HEIGHT - EDGE.bottom - rate * (HEIGHT - EDGE.top - EDGE.bottom);
  const line = (points: [number, number][]) => points.map(([n, rate]) => `${x(n)},${y(rate)}`).join(" ");
  const words = all.map((s) => `${s.name === "control" ? "left there" : "moved"} ${percent(s.points.at(-1)?.low)} to ${percent(s.points.at(-1)?.high)}`).join(", ");
  return (
    <figure className="chart">
      <div className="scroll" tabIndex={0} role="region" aria-label="How the intervals narrow">
      <svg className="converging" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={`Confidence sequences of both arms over ${count(most)} attempts: ${words}`}>
        {[0, 0.25, 0.5, 0.75, 1].map((rate) => (
          <g key={rate}>
            <line x1={EDGE.left} x2={WIDTH - EDGE.right} y1={y(rate)} y2={y(rate)} />
            <text x={EDGE.left - 6} y={y(rate) + 4} textAnchor="end">
              {share(rate)}
            </text>
          </g>
        ))}
        {across.ticks
          .filter((n) => n <= most)
          .map((n) => (
            <text key={n} x={x(n)} y={HEIGHT - EDGE.bottom + 16} textAnchor="middle">
              {count(n)}
            </text>
          ))}
        <text x={WIDTH - EDGE.right} y={HEIGHT - 4} textAnchor="end">
          attempts of both arms →
        </text>
        {all.map((s) => (
          <g key={s.name} className={s.name}>
            <polygon points={line([...s.points.map((p): [number, number] => [p.n, p.high]), ...[...s.points].reverse().map((p): [number, number] => [p.n, p.low])])} />
            <polyline points={line(s.points.flatMap((p): [number, number][] => (p.rate === null ? [] : [[p.n, p.rate]])))} />
          </g>
        ))}
      </svg>
      </div>
      <figcaption>
        {all.map((s) => (
          <span key={s.name} className="key">
            <span className={`swatch wide ${s.name}`} aria-hidden="true" />
            {s.name === "control" ? "left there (dashed)" : "moved"}{" "}
            <b>
              {percent(s.points.at(-1)?.low)} to {percent(s.points.at(-1)?.high)}
            </b>
          </span>
        ))}
        <span className="when">{SURE} confidence sequences: they hold at every attempt, however often they are looked at</span>
      </figcaption>
    </figure>
  );
}
