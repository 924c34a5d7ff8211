/** The groups of payments side by side, and the difference that counts. */
import type { Rollout } from "../../api/types";
import { Interval, Ruler, tenths, type Scale } from "../../parts/interval";
import { count, percent, points, share, SURE } from "../../view/format";
import { isUnderWay } from "../../view/rollout";

type Group = Rollout["groups"][number];

const NAMES: Record<string, string> = { candidate: "Candidate", incumbent: "Configured policy", hold_out: "Hold-out" };

function nameOf(group: Group, rollout: Rollout): string {
  if (rollout.stage !== "same" || group.group === "hold_out") return NAMES[group.group] ?? group.group;
  return group.group === "candidate" ? "One half (the candidate's later)" : "Other half";
}

export function Groups({ rollout }: { rollout: Rollout }) {
  // What has no share has no payments: at the end nobody but the hold-out is left to compare with. Of what is over only what was judged is told.
  const groups = rollout.groups.filter(({ share: own, payments }) => payments > 0 || (own > 0 && isUnderWay(rollout)));
  if (groups.every(({ payments }) => payments === 0)) {
    return <p className="note">{isUnderWay(rollout) ? `A payment is judged ${count(rollout.plan.maturity_ms / 1_000)} s after its choice; none of this stage is yet.` : "No payment of its last stage was judged."}</p>;
  }
  const judged = groups.filter(({ payments }) => payments > 0);
  const scale = tenths(judged);
  return (
    <div className="arms">
      <h3>Success in {isUnderWay(rollout) ? "this stage" : "its last stage"}</h3>
      {groups.map((group) => (
        <div key={group.group} className={`arm ${group.group === "candidate" ? "treatment" : "control"}`}>
          <div className="top-line">
            <span>
              <b>{nameOf(group, rollout)}</b> {isUnderWay(rollout) && <span className="note">{share(group.share)} of payments</span>}
            </span>
            <span className="note">{outcome(group)}</span>
          </div>
          {group.payments > 0 && <Interval low={group.low} high={group.high} value={group.success_rate ?? null} scale={scale} label={`Success ${percent(group.success_rate)}, confidence sequence ${percent(group.low)} to ${percent(group.high)}`} />}
        </div>
      ))}
      <Ruler scale={scale} />
      {rollout.uplift != null && <Difference uplift={rollout.uplift} isSame={rollout.stage === "same"} />}
    </div>
  );
}

function outcome({ payments, approved, unheard, success_rate, low, high }: Group): string {
  if (payments === 0) return "none judged yet";
  const missing = unheard === 0 ? "" : `, ${count(unheard)} without an outcome`;
  return `${percent(success_rate)} · ${SURE} ${percent(low)} to ${percent(high)} · ${count(approved)} of ${count(payments)}${missing}`;
}

/** Whole steps of this, so that the scale stands still. */
const STEP = 0.05;

/** Nothing in the middle, and both ends as far from it. */
function around({ low, high }: { low: number; high: number }): Scale {
  const most = Math.min(1, Math.max(1, Math.ceil(Math.max(Math.abs(low), Math.abs(high)) / STEP - 1e-9)) * STEP);
  return { from: -most, to: most };
}

function Difference({ uplift, isSame }: { uplift: NonNullable<Rollout["uplift"]>; isSame: boolean }) {
  const scale = around(uplift);
  const name = isSame ? "Difference of the halves" : "Difference";
  const against = isSame ? "both are routed alike" : uplift.against === "hold_out" ? "against the hold-out" : "against all others";
  const said = `${points(uplift.value)} · ${SURE} ${points(uplift.low)} to ${points(uplift.high)}`;
  return (
    <>
      <div className="arm treatment">
        <div className="top-line">
          <span>
            <b>{name}</b> <span className="note">{against}</span>
          </span>
          <span className="note">{said}</span>
        </div>
        <Interval low={uplift.low} high={uplift.high} value={uplift.value} scale={scale} label={`${name} ${points(uplift.value)}, ${points(uplift.low)} to ${points(uplift.high)}`} zero />
      </div>
      <Ruler scale={scale} format={points} />
    </>
  );
}
