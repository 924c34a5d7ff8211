/** An incident in its time: the server's timeline of the first minutes, and what came before and after it from the roll-ups. */
import type { SeriesPoint, TimelinePoint } from "../api/types";

export type Course = { times: number[]; observed: (number | null)[]; expected: (number | null)[] };

/** Of this much before it began one sees what was usual. */
const BEFORE_MS = 20 * 60_000;
/** Where the traffic has been led elsewhere the rate of what is left is chance: less than this part of the usual attempts is a gap. */
const FEW = 0.1;
const AFTER_MS = 10 * 60_000;

const STEPS = [
  { step: "60s", ms: 60_000, longest: 3 * 3_600_000 },
  { step: "5m", ms: 300_000, longest: 15 * 3_600_000 },
  { step: "1h", ms: 3_600_000, longest: Infinity },
] as const;

/** What to ask the roll-ups for, in whole steps, so that the question stays the same for a while. */
export function spanOf(started: number, ended: number | null, now: number): { from: number; to: number; step: string } {
  const until = ended === null ? now : Math.min(now, ended + AFTER_MS);
  const { step, ms } = STEPS.find(({ longest }) => until - started <= longest) ?? STEPS[2];
  return { from: Math.floor((started - BEFORE_MS) / ms) * ms, to: Math.ceil(until / ms) * ms, step };
}

const rate = (part: number, of: number) => (of === 0 ? null : part / of);

/** The timeline where it tells, the roll-ups elsewhere; what is expected where nothing tells it is what was expected next to it. */
export function course(timeline: TimelinePoint[], rollups: Pick<SeriesPoint, "at" | "attempts" | "success_rate">[], baseline: number | null): Course {
  const told = timeline.map((p) => ({ at: Date.parse(p.at), observed: rate(p.successes, p.attempts), expected: rate(p.expected, p.attempts) }));
  const from = told[0]?.at ?? Infinity;
  const to = told.at(-1)?.at ?? -Infinity;
  const last = told.findLast((p) => p.expected !== null)?.expected ?? baseline;
  const before = rollups.filter((p) => Date.parse(p.at) < from).map((p) => p.attempts);
  const usual = before.reduce((sum, n) => sum + n, 0) / Math.max(1, before.length);
  const others = rollups
    .map((p) => ({ at: Date.parse(p.at), observed: p.attempts < FEW * usual ? null : (p.success_rate ?? null) }))
    .filter(({ at }) => at < from || at > to)
    .map((p) => ({ ...p, expected: p.at < from ? baseline : last }));
  const all = [...others, ...told].sort((a, b) => a.at - b.at);
  return { times: all.map((p) => p.at), observed: all.map((p) => p.observed), expected: all.map((p) => p.expected) };
}
