/** Confidence sequences as they converge: for each arm its interval over the attempts of both. */
import type { Arm } from "../api/types";

export type Sequence = { name: string; points: { n: number; rate: number | null; low: number; high: number }[] };

export function sequences(all: { arms: Arm[] }[]): Sequence[] {
  const names = [...new Set(all.flatMap((one) => one.arms.map((arm) => arm.name)))];
  return names.map((name) => ({
    name,
    points: all.flatMap((one) => {
      const arm = one.arms.find((a) => a.name === name);
      if (arm === undefined) return [];
      const n = one.arms.reduce((sum, a) => sum + a.attempts, 0);
      return [{ n, rate: arm.attempts === 0 ? null : arm.successes / arm.attempts, low: arm.rate_low, high: arm.rate_high }];
    }),
  }));
}
