/** What is watched while a policy is rolled out, and how near each is to taking it back. */
import type { Rollout } from "../api/types";
import { count, milliseconds, NONE, percent, share } from "./format";
import { isUnderWay } from "./rollout";
import type { Tone } from "./words";

export type Check = { name: string; state: { tone: Tone; name: string }; e: number | null; seen: string };

type Guard = string | { slower_than_ms?: number; dearer_than_bps?: number };

/** What a guard watches, as the end of a sentence. */
export function guardName(told: unknown): string {
  const guard = told as Guard;
  if (typeof guard === "string") return guard === "fraud_declined" ? "declined on suspicion of fraud" : guard.replaceAll("_", " ");
  if (guard.slower_than_ms !== undefined) return `slower than ${milliseconds(guard.slower_than_ms)}`;
  return guard.dearer_than_bps === undefined ? JSON.stringify(guard) : `dearer than ${share(guard.dearer_than_bps / 10_000)}`;
}

const part = (n: number, of: number) => `${percent(of === 0 ? null : n / of)} (${count(n)} of ${count(of)})`;

/** In the order in which the server looks at them. */
export function checks(rollout: Rollout): Check[] {
  const { evidence: e, groups, guards, stopped, turns } = rollout;
  const [own, others] = [groups.filter((g) => g.group === "candidate"), groups.filter((g) => g.group !== "candidate")];
  const sum = (of: Rollout["groups"], what: "payments" | "unheard") => of.reduce((all, group) => all + group[what], 0);
  const [tried, rest] = [sum(own, "payments"), sum(others, "payments")];
  const wanted = own[0]?.share;
  // What the A/A stage has shown is about the split, and not kept beyond it.
  const isKept = stopped == null || turns.at(-1)?.from !== "same";
  const kept = (value: number) => (isKept ? value : null);
  const state = (value: number | null, isWhy: boolean): Check["state"] => {
    if (isWhy) return { tone: "bad", name: "Ended it" };
    if (value === null) return { tone: "quiet", name: "Not kept" };
    if (tried + rest === 0) return { tone: "quiet", name: "Not yet" };
    if (value >= e.stops_at) return { tone: "bad", name: "At its limit" };
    // Evidence multiplies: the root of the limit is half the way.
    return value >= Math.sqrt(e.stops_at) ? { tone: "warn", name: "Getting near" } : { tone: "good", name: "In order" };
  };
  const [firstBad] = stopped === "guard" ? guards.filter(({ worse }) => worse >= e.stops_at) : [];
  return [
    {
      name: "Outcomes go missing",
      e: kept(e.unheard),
      state: state(kept(e.unheard), stopped === "unheard"),
      seen: `${part(sum(own, "unheard"), tried)}; others ${part(sum(others, "unheard"), rest)}`,
    },
    {
      name: "Groups don't have their sizes",
      e: e.sample_ratio,
      state: state(e.sample_ratio, stopped === "sample_ratio"),
      seen: tried + rest === 0 ? NONE : `${part(tried, tried + rest)} are the candidate's${isUnderWay(rollout) ? `, wanted ${share(wanted)}` : ""}`,
    },
    { name: "Fewer successes", e: kept(e.worse), state: state(kept(e.worse), stopped === "harm"), seen: success(rollout) },
    ...guards.map((guard) => ({
      name: `More ${guardName(guard.guard)}`,
      e: kept(guard.worse),
      state: state(kept(guard.worse), guard === firstBad),
      seen: `${part(guard.candidate, guard.candidate_of)}; others ${part(guard.others, guard.others_of)}`,
    })),
  ];
}

function success({ groups }: Rollout): string {
  const rate = (of: Rollout["groups"]) => {
    const [approved, payments] = [of.reduce((n, g) => n + g.approved, 0), of.reduce((n, g) => n + g.payments, 0)];
    return part(approved, payments);
  };
  return `${rate(groups.filter((g) => g.group === "candidate"))}; others ${rate(groups.filter((g) => g.group !== "candidate"))}`;
}
