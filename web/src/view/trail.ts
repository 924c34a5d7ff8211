/** The way of a route, minute by minute. */
import type { SeriesPoint } from "../api/types";

export type Spot = { x: number; y: number };

/** A minute with fewer is chance, and would stretch the map. */
const ATTEMPTS_MIN = 10;
/** A spot is the mean of so many minutes, each by its attempts: what is left is the way, not the chance of single minutes. */
const MINUTES = 3;

/** Latency against success rate, the newest last. */
export function trail(points: Pick<SeriesPoint, "attempts" | "latency_ms" | "success_rate">[]): Spot[] {
  const told = points.flatMap((p) => (p.attempts < ATTEMPTS_MIN || p.success_rate == null || p.latency_ms == null ? [] : [{ n: p.attempts, x: p.latency_ms, y: p.success_rate }]));
  return told.slice(MINUTES - 1).map((_, i) => {
    const some = told.slice(i, i + MINUTES);
    const n = some.reduce((sum, p) => sum + p.n, 0);
    return { x: some.reduce((sum, p) => sum + p.n * p.x, 0) / n, y: some.reduce((sum, p) => sum + p.n * p.y, 0) / n };
  });
}
