/** Money of several incidents by currency: currencies are never added up. */
import type { Incident, Lost } from "../api/types";
import { money } from "./format";

export type Sum = { currency: string; minor: number };

/** In the order in which the incidents name them. */
export function sums(incidents: Pick<Incident, "impact">[], of: (lost: Lost) => number): Sum[] {
  const all = new Map<string, number>();
  for (const { impact } of incidents) {
    for (const lost of impact.lost) all.set(lost.currency, (all.get(lost.currency) ?? 0) + of(lost));
  }
  return [...all].map(([currency, minor]) => ({ currency, minor }));
}

/** The first is what is read from afar; the others are small print. */
export function headAndRest(all: Sum[]): { head: string | null; rest: string } {
  const [first, ...others] = all.map(({ currency, minor }) => money(minor, currency));
  return { head: first ?? null, rest: others.length === 0 ? "" : `and ${others.join(", ")}` };
}
