/** A policy's roll-out in words: where it is, what comes next, why it ended. */
import type { Rollout } from "../api/types";
import { count, evidence, share } from "./format";
import { capital, type Tone } from "./words";

export const isUnderWay = (rollout: Rollout) => rollout.stopped == null;

/** Of the candidate at the end: all but the hold-out. */
const rest = ({ plan }: Rollout) => 1 - plan.hold_out;

/** In a word or two, for where there is little room. */
export function stageName(rollout: Rollout): string {
  if (rollout.stage === "same") return "A/A";
  if (rollout.stage === "step") return `step ${count(rollout.step)} of ${count(rollout.plan.steps.length)}`;
  return rollout.stage === "whole" ? share(rest(rollout)) : "ended";
}

export function headline(rollout: Rollout): string {
  if (rollout.stage === "same") return "A/A: the configured policy routes both halves";
  if (rollout.stage === "step") return `${capital(stageName(rollout))}: the candidate routes ${share(rollout.share)}`;
  if (rollout.stage === "whole") return `All but the hold-out: the candidate routes ${share(rollout.share)}`;
  if (rollout.stopped === "adopted") return "Adopted: the candidate is the configured policy now";
  return rollout.stopped === "person" ? capital(rollout.reason ?? "rolled back") : `Taken back: ${rollout.reason ?? "ended"}`;
}

const ENDED: Record<string, { tone: Tone; name: string }> = {
  adopted: { tone: "good", name: "Adopted" },
  person: { tone: "quiet", name: "Rolled back" },
  kill_switch: { tone: "quiet", name: "Rolled back" },
  inconclusive: { tone: "warn", name: "Taken back" },
};

/** What became of it, as a badge says it. */
export function standing({ stopped, stage }: Rollout): { tone: Tone; name: string } {
  if (stopped != null) return ENDED[stopped] ?? { tone: "bad", name: "Taken back" };
  return stage === "whole" ? { tone: "good", name: "Whole" } : { tone: "info", name: "Under way" };
}

/** When the stage that it is in began, or it ended. */
export const since = (rollout: Rollout) => rollout.turns.at(-1)?.at ?? rollout.started_at;

export type Stage = { name: string; state: "done" | "now" | "ended" | "ahead" };

/** All its stages in order; where it ended is the last that it reached. */
export function stages(rollout: Rollout): Stage[] {
  const { plan, turns } = rollout;
  const words = ["same", ...plan.steps.map((_, at) => `step ${at + 1}`), "whole"];
  const names = ["A/A", ...plan.steps.map((step) => share(step)), share(rest(rollout))];
  const last = turns.at(-1);
  const at = words.indexOf((isUnderWay(rollout) ? last?.to : last?.from) ?? "same");
  const state = (i: number) => (i < at || (i === at && rollout.stopped === "adopted") ? "done" : i > at ? "ahead" : isUnderWay(rollout) ? "now" : "ended");
  return names.map((name, i) => ({ name, state: state(i) }));
}

/** Outcomes that were heard: payments without one bring no stage further. */
const heard = (groups: Rollout["groups"]) => groups.reduce((sum, { payments, unheard }) => sum + payments - unheard, 0);

/** What brings it further, and how far that is; none where it has ended. */
export function next(rollout: Rollout): string | null {
  const { plan, evidence: e, groups } = rollout;
  if (rollout.stage === "same") {
    return `The candidate gets its first payments (${share(plan.steps[0])}) after ${count(plan.same_payments)} outcomes in which the halves don't differ; ${count(heard(groups))} so far.`;
  }
  if (rollout.stage === "step") {
    const following = plan.steps[rollout.step ?? 0] ?? rest(rollout);
    const own = heard(groups.filter(({ group }) => group === "candidate"));
    return `The next share (${share(following)}) comes when evidence that the candidate is better reaches e = ${evidence(e.promotes_at)}, with ${count(plan.step_payments_min)} of its outcomes at least; now e = ${evidence(e.better)}, ${count(own)} outcomes.`;
  }
  if (rollout.stage === "whole") return "It stays so until it is rolled back, or the configuration says what the candidate says: then it is adopted, and the hold-out ends.";
  return null;
}

/** What is said to those who hear the page. */
export const announced = (rollout: Rollout) => `Roll-out ${rollout.id}: ${headline(rollout)}`;
