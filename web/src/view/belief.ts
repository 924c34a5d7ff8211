/** How a belief moved, as points of a line: up with each incident, fading in between. */
import type { Belief } from "../api/types";
import { confidence } from "./format";

export type BeliefPoint = { at: number; confidence: number };

/** In order of time; the last is now. An incident that goes on has moved it since it was last seen. */
export function pathOf(belief: Belief, now: number): BeliefPoint[] {
  const points: BeliefPoint[] = [];
  for (const move of belief.moves) {
    const at = move.at == null ? Math.max(points.at(-1)?.at ?? 0, Math.min(Date.parse(belief.last_seen), now)) : Date.parse(move.at);
    points.push({ at, confidence: move.before }, { at, confidence: move.after });
  }
  const last = points.at(-1);
  if (last === undefined || last.at < now) points.push({ at: now, confidence: belief.confidence });
  return points;
}

/** For those who can't see the line. */
export function moveWords(belief: Belief): string {
  const first = belief.moves[0];
  if (first === undefined) return `${confidence(belief.confidence)}, its way isn't known`;
  const n = belief.moves.length;
  return `from ${confidence(first.before)} to ${confidence(belief.confidence)} over ${n} ${n === 1 ? "incident" : "incidents"}`;
}

/** As an SVG path inside of so many pixels; 0 is at the bottom, 1 at the top. */
export function sparkline(points: BeliefPoint[], width: number, height: number): string {
  const from = points[0]?.at ?? 0;
  const length = (points.at(-1)?.at ?? 0) - from || 1;
  return points.map((p) => `${(((p.at - from) / length) * width).toFixed(1)},${((1 - p.confidence) * height).toFixed(1)}`).join(" ");
}
