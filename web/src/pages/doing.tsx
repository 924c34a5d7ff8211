/** One intervention: what is moved and why, its two arms side by side, its steps, when it ends, and how to end it now. */
import { useApprove, useReject, useRollBack } from "../api/commands";
import { useSettings } from "../api/queries";
import type { Arm, Held, Intervention } from "../api/types";
import { At, Badge, Left, SliceChips, To } from "../parts/basic";
import { Confirm } from "../parts/dialog";
import { Interval, Ruler, tenths } from "../parts/interval";
import { useRefused } from "../shell/may";
import { count, evidence, NONE, percent, share, span, SURE } from "../view/format";
import { limitName, limitWords } from "../view/limit-words";
import { limitText, type Limits } from "../view/limits";
import { inWords } from "../view/slice";
import { actionName, capital, guardrailName } from "../view/words";

export function Doing({ intervention }: { intervention: Intervention }) {
  return (
    <article className={`card ${intervention.state}`} aria-label={`${actionName(intervention.action)}: ${inWords(intervention.slice)}`}>
      <div className="head">
        <Badge state={intervention.state} />
        <h2>
          <To href={`/actions/${intervention.id}`}>{headline(intervention)}</To>
        </h2>
        <span className="end tools">
          <Commands intervention={intervention} />
        </span>
      </div>
      <SliceChips slice={intervention.slice} />
      <p>{capital(intervention.reason)}</p>
      {intervention.state === "active" && <Steps intervention={intervention} />}
      {intervention.arms.length > 0 && <Arms arms={intervention.arms} />}
      <dl className="facts">
        <div>
          <dt>By</dt>
          <dd>{intervention.authority === "pilot" ? "the operator" : intervention.authority}</dd>
        </div>
        <div>
          <dt>{intervention.started_at == null ? "Proposed" : "Began"}</dt>
          <dd>
            <At time={intervention.started_at ?? intervention.created_at} />
          </dd>
        </div>
        {intervention.ended_at == null ? (
          <div>
            <dt>Ends by itself</dt>
            <dd>
              <Left until={intervention.expires_at} />
            </dd>
          </div>
        ) : (
          <div>
            <dt>Ended</dt>
            <dd>
              <At time={intervention.ended_at} />
            </dd>
          </div>
        )}
        <div>
          <dt>Incident</dt>
          <dd>
            <To href={`/incidents/${intervention.incident_id}`}>{intervention.incident_id}</To>
          </dd>
        </div>
        {intervention.experiment_id != null && (
          <div>
            <dt>Experiment</dt>
            <dd>{intervention.experiment_id}</dd>
          </div>
        )}
      </dl>
      <HeldBy held={intervention.held} />
      {(intervention.state === "active" || intervention.state === "pending") && <Within />}
    </article>
  );
}

export function headline(one: Intervention): string {
  const to = one.to.map((t) => (one.to.length === 1 ? t.gateway : `${t.gateway} (${share(t.share)})`)).join(", ");
  // Of what is over nothing is moved any more; how much it was is in its steps.
  const part = one.stage > 0 ? `${share(one.stage)} ` : "";
  if (one.action === "reroute") return `Reroute ${part}from ${one.from ?? "here"} to ${to}`;
  if (one.action === "suppress_path") return `Take ${one.from ?? "the path"} out${part === "" ? "" : ` for ${share(one.stage)}`}`;
  if (one.retry != null) return `At most ${one.retry.attempts_max} tries, ${span(one.retry.delay_s_min * 1_000)} apart`;
  return actionName(one.action);
}

/** Exactly what changes when it begins. */
function Effect({ intervention: one }: { intervention: Intervention }) {
  const { data } = useSettings();
  // What waits has moved nothing yet: it begins with the first step.
  const steps = (data?.value.guardrails as { steps?: number[] } | undefined)?.steps;
  const first = one.stage > 0 ? one.stage : steps?.[0];
  return (
    <>
      <p>
        Of the payments in this slice, <b>{share(first)}</b> {one.action === "reroute" ? "go elsewhere" : "are treated differently"} at first; each further step only as the test allows.
      </p>
      <SliceChips slice={one.slice} />
      {one.to.length > 0 && (
        <dl className="pairs">
          <dt>Leaves</dt>
          <dd>{one.from ?? NONE}</dd>
          <dt>Goes to</dt>
          <dd>{one.to.map((t) => `${t.gateway} ${share(t.share)}`).join(", ")}</dd>
          <dt>Ends by itself</dt>
          <dd>
            <Left until={one.expires_at} />
          </dd>
          <dt>Plan</dt>
          <dd>
            <code>{one.plan_hash.slice(0, 16)}</code>
          </dd>
        </dl>
      )}
    </>
  );
}

export function Commands({ intervention: one }: { intervention: Intervention }) {
  const approve = useApprove();
  const reject = useReject();
  const rollBack = useRollBack();
  const notApprover = useRefused("approver");
  const notOperator = useRefused("operator");
  if (one.state === "pending") {
    return (
      <>
        <Confirm
          name="Reject"
          title={`Reject: ${headline(one)}`}
          effect={<p>Nothing is moved, and it isn&apos;t proposed again for this incident.</p>}
          does="Reject"
          kind="plain"
          reason="optional"
          refused={notApprover}
          run={(reason) => reject.mutateAsync({ id: one.id, reason })}
        />
        <Confirm
          name="Approve"
          title={`Approve: ${headline(one)}`}
          effect={<Effect intervention={one} />}
          does="Approve this plan"
          kind="main"
          refused={notApprover}
          run={() => approve.mutateAsync({ id: one.id, plan_hash: one.plan_hash })}
        />
      </>
    );
  }
  if (one.state !== "active") return null;
  return (
    <Confirm
      name="Undo"
      title={`Undo: ${headline(one)}`}
      effect={
        <>
          <p>
            At once, all payments of this slice take their own path again: the {share(one.stage)} that go{one.to.length > 0 ? ` to ${one.to.map((t) => t.gateway).join(", ")}` : " elsewhere"} now
            return{one.from == null ? "" : ` to ${one.from}`}.
          </p>
          <SliceChips slice={one.slice} />
        </>
      }
      does="Roll back"
      kind="danger"
      reason="optional"
      refused={notOperator}
      run={(reason) => rollBack.mutateAsync({ id: one.id, reason })}
    />
  );
}

/** The limits that hold it; all of them are in the settings. */
const HELD_WITHIN = ["shift_share_max", "money_per_minute_max", "headroom_use", "actions_per_hour_max", "flips_per_hour_max", "harm_e", "ttl_max_ms"];

function Within() {
  const { data } = useSettings();
  const limits = data?.value.guardrails as Limits | undefined;
  if (limits === undefined) return null;
  return (
    <details>
      <summary>Guardrail limits</summary>
      <dl className="facts">
        {HELD_WITHIN.filter((name) => name in limits).map((name) => (
          <div key={name}>
            <dt>{limitName(name)}</dt>
            <dd>
              {limitText(name, limits[name]) || "no limit"}
              {limitWords(name)?.kind === "share" && " %"}
            </dd>
          </div>
        ))}
      </dl>
      <p className="note">
        <To href="/settings">All limits</To>
      </p>
    </details>
  );
}

function Steps({ intervention: one }: { intervention: Intervention }) {
  const { data } = useSettings();
  const guardrails = (data?.value.guardrails ?? {}) as { steps?: number[]; probe_share?: number };
  const steps = guardrails.steps ?? [];
  if (steps.length === 0) return null;
  return (
    <div>
      <div className="steps" role="img" aria-label={`${share(one.stage)} of the slice is moved; the steps are ${steps.map((s) => share(s)).join(", ")}`}>
        {steps.map((step) => (
          <span key={step} className={`step ${one.stage >= step * (1 - (guardrails.probe_share ?? 0)) - 1e-9 ? "done" : ""}`}>
            {share(step)}
          </span>
        ))}
      </div>
      <p className="note">
        {share(one.stage)} moved, {one.direction === "home" ? "returning in steps" : "growing as its test allows"}
      </p>
    </div>
  );
}

export function Arms({ arms }: { arms: Arm[] }) {
  const settings = useSettings();
  const harm = (settings.data?.value.guardrails as { harm_e?: number } | undefined)?.harm_e;
  const scale = tenths(arms.map((a) => ({ low: a.rate_low, high: a.rate_high })));
  return (
    <div className="arms">
      {arms.map((arm) => {
        const rate = arm.attempts === 0 ? null : arm.successes / arm.attempts;
        return (
          <div key={`${arm.name} ${arm.gateway ?? ""}`} className={`arm ${arm.name}`}>
            <div className="top-line">
              <span>
                <b>{arm.name === "control" ? "Left there" : "Moved"}</b> {arm.gateway != null && <span className="note">{arm.gateway}</span>}
              </span>
              <span className="note">
                {percent(rate)} · {SURE} {percent(arm.rate_low)} to {percent(arm.rate_high)} · {count(arm.successes)} of {count(arm.attempts)}
                {arm.pending > 0 && `, ${count(arm.pending)} pending`}
              </span>
            </div>
            <Interval low={arm.rate_low} high={arm.rate_high} value={rate} scale={scale} label={`Success ${percent(rate)}, confidence sequence ${percent(arm.rate_low)} to ${percent(arm.rate_high)}`} />
          </div>
        );
      })}
      <Ruler scale={scale} />
      <p className="note">
        Evidence that moving helps e = {evidence(Math.max(0, ...arms.map((a) => a.e_benefit)))}, that it harms e = {evidence(Math.max(0, ...arms.map((a) => a.e_harm)))}
        {harm === undefined ? "" : `; rolled back at ${String(harm)}`}.
      </p>
    </div>
  );
}

export function HeldBy({ held }: { held: Held[] }) {
  if (held.length === 0) return null;
  return (
    <div>
      <h3>Held by</h3>
      <ul>
        {held.map((h, i) => (
          <li key={i}>
            <Badge state="pending">{guardrailName(h.guardrail)}</Badge> <span className="note">{h.detail}</span>
          </li>
        ))}
      </ul>
    </div>
  );
}
