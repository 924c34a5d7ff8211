/** Page 4: what is rerouted and why, what waits for a person, what was held and by which guardrail. */
import { useDecisions, useExperiments, useInterventions, usePolicy } from "../api/queries";
import type { Decision, Experiment, Intervention } from "../api/types";
import { At, Badge, Left, Page, Panel, SliceChips, To } from "../parts/basic";
import { Empty, Shown } from "../parts/states";
import { Table } from "../parts/table";
import { confidence, evidence, percent, share } from "../view/format";
import { asText, inWords } from "../view/slice";
import { actionName, guardrailName } from "../view/words";
import { Doing, headline } from "./doing";

export default function Actions() {
  const interventions = useInterventions({ limit: 100 });
  const experiments = useExperiments({ limit: 50 });
  const decisions = useDecisions({ limit: 100 });
  return (
    <Page title="Actions and experiments" lead="What is moved, on which evidence, and how to take it back. Everything ends by itself if its evidence isn't renewed.">
      <Shown query={interventions} rows={6}>
        {({ data }) => (
          <>
            <Waiting all={data} />
            <InForce all={data} />
            <Policy />
            <Shown query={decisions}>{(told) => <HeldBack decisions={told.data} />}</Shown>
            <Shown query={experiments}>{(told) => <Experiments experiments={told.data} />}</Shown>
            <Past all={data} />
          </>
        )}
      </Shown>
    </Page>
  );
}

function Waiting({ all }: { all: Intervention[] }) {
  const pending = all.filter((one) => one.state === "pending");
  if (pending.length === 0) return null;
  return (
    <Panel title="Waiting for approval">
      {pending.map((one) => (
        <Doing key={one.id} intervention={one} />
      ))}
    </Panel>
  );
}

function InForce({ all }: { all: Intervention[] }) {
  const active = all.filter((one) => one.state === "active");
  return (
    <Panel title="In force">
      {active.length === 0 ? <Empty title="Nothing is moved now">All payments take their own path.</Empty> : active.map((one) => <Doing key={one.id} intervention={one} />)}
    </Panel>
  );
}

/** A thinner part has no room for its name. */
const NAMED_MIN = 0.3;

const shareWords = (shares: Record<string, number>) =>
  Object.entries(shares)
    .sort(([, a], [, b]) => b - a)
    .map(([gateway, part]) => `${gateway} ${share(part)}`)
    .join(", ");

/** What the data plane obeys, as shares. */
function Policy() {
  const policy = usePolicy();
  const slices = policy.data?.slices ?? [];
  if (slices.length === 0) return null;
  return (
    <Panel title="What payments obey now" tools={<span className="note">version {policy.data?.version}</span>}>
      <ul className="list">
        {slices.map((one) => (
          <li key={one.intervention_id + asText(one.slice)} className="list">
            <div className="facts">
              <SliceChips slice={one.slice} />
              <span className="note">
                <To href={`/actions/${one.intervention_id}`}>{one.intervention_id}</To>, ends <Left until={one.expires_at} />
              </span>
            </div>
            {Object.keys(one.shares).length > 0 && (
              <>
                <div className="shares" role="img" aria-label={shareWords(one.shares)}>
                  {Object.entries(one.shares)
                    .sort(([, a], [, b]) => b - a)
                    .map(([gateway, part]) => (
                      <span key={gateway} className={part < NAMED_MIN ? "thin" : ""} style={{ flexGrow: part, flexBasis: 0 }} title={`${gateway} ${share(part)}`}>
                        {part < NAMED_MIN ? null : `${gateway} ${share(part)}`}
                      </span>
                    ))}
                </div>
                <span className="note" aria-hidden="true">
                  {shareWords(one.shares)}
                </span>
              </>
            )}
            {one.suppressed && <span className="note">Taken out, but for a trickle; the router&apos;s next best serves.</span>}
          </li>
        ))}
      </ul>
    </Panel>
  );
}

function HeldBack({ decisions }: { decisions: Decision[] }) {
  const held = decisions.filter((d) => d.held.length > 0).slice(0, 20);
  return (
    <Panel title="Held back">
      <Table
        label="Held back"
        rows={held}
        rowKey={(d) => d.id}
        empty="No guardrail has held anything back"
        columns={[
          { name: "When", cell: (d) => <At time={d.at} />, plain: (d) => d.at },
          {
            name: "What",
            cell: (d) => (
              <>
                <To href={`/decisions?incident=${d.incident_id}&why=${d.id}`}>
                  {actionName(d.action)}: {inWords(d.slice)}
                </To>{" "}
                <span className="note">{d.reason}</span>
              </>
            ),
            plain: (d) => d.proposed_action,
            isWords: true,
          },
          { name: "Held by", cell: (d) => d.held.map((h) => <div key={h.guardrail} title={h.detail}>{guardrailName(h.guardrail)}</div>), plain: (d) => d.held.map((h) => `${h.guardrail}: ${h.detail}`).join("; ") },
          { name: "Confidence", cell: (d) => confidence(d.confidence), plain: (d) => d.confidence, isNumber: true },
        ]}
      />
    </Panel>
  );
}

function Experiments({ experiments }: { experiments: Experiment[] }) {
  return (
    <Panel title="Experiments">
      <Table
        label="Experiments"
        rows={experiments}
        rowKey={(x) => x.id}
        empty="No experiment has run yet"
        file="experiments"
        columns={[
          { name: "Experiment", cell: (x) => <To href={`/actions/${x.intervention_id}`}>{x.id}</To>, plain: (x) => x.id },
          { name: "Verdict", cell: (x) => <Badge state={x.verdict} />, plain: (x) => x.verdict },
          { name: "Said", cell: (x) => confidence(x.confidence), plain: (x) => x.confidence, isNumber: true },
          { name: "Began", cell: (x) => <At time={x.started_at} />, plain: (x) => x.started_at },
          { name: "Moved", cell: (x) => share(x.allocation), plain: (x) => x.allocation, isNumber: true },
          ...(["control", "treatment"] as const).map((name) => ({
            name: name === "control" ? "Left there" : "Moved ones",
            cell: (x: Experiment) => {
              const arm = x.arms.find((a) => a.name === name);
              return arm === undefined ? "–" : `${percent(arm.rate_low)} to ${percent(arm.rate_high)}`;
            },
            isNumber: true,
          })),
          { name: "e benefit", cell: (x) => evidence(x.e_values.benefit), plain: (x) => x.e_values.benefit, isNumber: true },
          { name: "e harm", cell: (x) => evidence(x.e_values.harm), plain: (x) => x.e_values.harm, isNumber: true },
        ]}
      />
    </Panel>
  );
}

function Past({ all }: { all: Intervention[] }) {
  const past = all.filter((one) => one.state !== "active" && one.state !== "pending");
  return (
    <Panel title="Over">
      <Table
        label="Past actions"
        rows={past}
        rowKey={(one) => one.id}
        empty="None yet"
        file="actions"
        columns={[
          { name: "Action", cell: (one) => <To href={`/actions/${one.id}`}>{headline(one)}</To>, plain: headline, isWords: true },
          { name: "Slice", cell: (one) => inWords(one.slice), plain: (one) => asText(one.slice) },
          { name: "Ended as", cell: (one) => <Badge state={one.state} />, plain: (one) => one.state },
          { name: "Began", cell: (one) => <At time={one.started_at ?? one.created_at} />, plain: (one) => one.started_at },
          { name: "Ended", cell: (one) => <At time={one.ended_at} />, plain: (one) => one.ended_at },
        ]}
      />
    </Panel>
  );
}
