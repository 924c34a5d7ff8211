import { expect, test } from "vitest";

import type { Rollout } from "../api/types";
import { announced, headline, isUnderWay, next, since, stageName, stages, standing } from "./rollout";
import { checks, guardName } from "./rollout-checks";

const group = (name: string, share: number, payments = 0, approved = 0, unheard = 0) => ({ group: name, share, payments, approved, unheard, success_rate: payments === 0 ? null : approved / payments, low: 0, high: 1 });
const turn = (from: string, to: string, reason: string | null = null) => ({ at: `2026-11-27T09:5${to.length % 10}:00Z`, from, to, reason });

function rollout(of: Partial<Rollout> = {}): Rollout {
  return {
    id: "ro_1",
    stage: "same",
    share: 0,
    started_by: "ann",
    started_at: "2026-11-27T09:45:00Z",
    policy: { learning: "explore", exploration: {}, gateways: [] },
    plan: { same_payments: 10_000, steps: [0.05, 0.2, 0.5], hold_out: 0.02, step_payments_min: 200, step_payments_max: 5_000_000, alpha: 0.05, maturity_ms: 60_000, guards: [] },
    groups: [group("candidate", 0.49), group("incumbent", 0.49), group("hold_out", 0.02)],
    evidence: { better: 1, worse: 1, sample_ratio: 1, unheard: 1, promotes_at: 20, stops_at: 100 },
    guards: [],
    turns: [],
    ...of,
  };
}

const first = rollout({ stage: "step", step: 1, share: 0.05, turns: [turn("same", "step 1")], groups: [group("candidate", 0.05, 150, 120, 30), group("incumbent", 0.93, 2_790, 2_232, 10), group("hold_out", 0.02, 60, 48)] });
const ended = (stopped: string, reason: string, from = "step 1") => rollout({ stage: "stopped", stopped, reason, turns: [turn("same", "step 1"), turn(from, "stopped", reason)], groups: first.groups });
const states = (of: Rollout) => stages(of).map(({ name, state }) => `${name} ${state}`);

test("the stage is told in words, with what comes next", () => {
  expect([stageName(rollout()), stageName(first), stageName(rollout({ stage: "whole", share: 0.98 }))]).toEqual(["A/A", "step 1 of 3", "98%"]);
  expect(headline(rollout())).toBe("A/A: the configured policy routes both halves");
  expect(next(rollout({ groups: [group("candidate", 0.49, 1_000, 900, 40), group("incumbent", 0.49, 1_000, 900), group("hold_out", 0.02)] }))).toMatch(/first payments \(5%\) after 10,000 outcomes .* 1,960 so far/);
  expect(headline(first)).toBe("Step 1 of 3: the candidate routes 5%");
  expect(next(first)).toMatch(/next share \(20%\) .* e = 20, with 200 of its outcomes .* e = 1, 120 outcomes/);
  expect(next(rollout({ stage: "step", step: 3, share: 0.5 }))).toMatch(/next share \(98%\)/);
  expect(since(first)).toBe(first.turns[0]?.at);
  expect(since(rollout())).toBe("2026-11-27T09:45:00Z");
  expect(announced(first)).toBe("Roll-out ro_1: Step 1 of 3: the candidate routes 5%");
});

test("stages are passed in order, and where it ended is seen", () => {
  expect(states(rollout())).toEqual(["A/A now", "5% ahead", "20% ahead", "50% ahead", "98% ahead"]);
  expect(states(first)).toEqual(["A/A done", "5% now", "20% ahead", "50% ahead", "98% ahead"]);
  expect(states(ended("harm", "the candidate has fewer successes"))).toEqual(["A/A done", "5% ended", "20% ahead", "50% ahead", "98% ahead"]);
  expect(states(ended("adopted", "x", "whole"))).toEqual(["A/A done", "5% done", "20% done", "50% done", "98% done"]);
  expect(states(rollout({ stage: "stopped", stopped: "person", turns: [turn("same", "stopped")] }))[0]).toBe("A/A ended");
});

test("why it ended is said, and who did it", () => {
  const person = ended("person", "rolled back by ann: enough seen");
  expect(isUnderWay(person)).toBe(false);
  expect([headline(person), standing(person).tone, next(person)]).toEqual(["Rolled back by ann: enough seen", "quiet", null]);
  const harm = ended("harm", "the candidate has fewer successes");
  expect([headline(harm), standing(harm)]).toEqual(["Taken back: the candidate has fewer successes", { tone: "bad", name: "Taken back" }]);
  expect(standing(ended("adopted", "x", "whole"))).toEqual({ tone: "good", name: "Adopted" });
  expect(headline(ended("adopted", "x", "whole"))).toMatch(/^Adopted/);
});

test("guards read in words", () => {
  expect(guardName("fraud_declined")).toBe("declined on suspicion of fraud");
  expect(guardName({ slower_than_ms: 2_000 })).toBe("slower than 2.0 s");
  expect(guardName({ dearer_than_bps: 250 })).toBe("dearer than 2.5%");
});

test("what is watched says how near it is", () => {
  const guards = [{ guard: "fraud_declined", candidate: 3, candidate_of: 150, others: 12, others_of: 2_850, worse: 40 }];
  const told = checks({ ...first, guards, evidence: { ...first.evidence, sample_ratio: 120, worse: 2 } });
  expect(told.map(({ name, state }) => `${name}: ${state.name}`)).toEqual(["Outcomes go missing: In order", "Groups don't have their sizes: At its limit", "Fewer successes: In order", "More declined on suspicion of fraud: Getting near"]);
  expect(told[0]?.seen).toBe("20.0% (30 of 150); others 0.4% (10 of 2,850)");
  expect(told[1]?.seen).toBe("5.0% (150 of 3,000) are the candidate's, wanted 5%");
  expect(told[2]?.seen).toBe("80.0% (120 of 150); others 80.0% (2,280 of 2,850)");
  expect(checks(rollout()).every(({ state }) => state.name === "Not yet")).toBe(true);
});

test("what ended it is marked, and what isn't kept is no evidence", () => {
  const guards = [{ guard: "fraud_declined", candidate: 9, candidate_of: 150, others: 12, others_of: 2_850, worse: 104 }];
  const of = (told: Rollout) => checks(told).filter(({ state }) => state.name === "Ended it").map(({ name }) => name);
  expect(of({ ...ended("guard", "x"), guards })).toEqual(["More declined on suspicion of fraud"]);
  expect(of(ended("harm", "x"))).toEqual(["Fewer successes"]);
  expect(of(ended("unheard", "x"))).toEqual(["Outcomes go missing"]);
  expect(of(ended("person", "x"))).toEqual([]);
  const early = checks(rollout({ stage: "stopped", stopped: "not_the_same", turns: [turn("same", "stopped")], groups: first.groups }));
  expect(early.map(({ state, e }) => [state.name, e])).toEqual([["Not kept", null], ["In order", 1], ["Not kept", null]]);
});
