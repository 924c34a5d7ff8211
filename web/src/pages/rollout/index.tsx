/** A policy's roll-out: where it is, what both policies' payments show, what is watched, and how to end it now. */
import { useRollBackPolicy } from "../../api/commands";
import { useRollout } from "../../api/queries";
import type { Rollout } from "../../api/types";
import { At, Badge, Left, Panel } from "../../parts/basic";
import { Confirm } from "../../parts/dialog";
import { Empty, Shown } from "../../parts/states";
import { Table } from "../../parts/table";
import { useRefused } from "../../shell/may";
import { share, span } from "../../view/format";
import { useNow } from "../../view/now";
import { headline, isUnderWay, next, since, stageName, stages, standing } from "../../view/rollout";
import { capital } from "../../view/words";
import { Checks } from "./checks";
import { Groups } from "./groups";

/** The tab says it while one is under way, whichever is open. */
export function RolloutTab() {
  const { data: rollout } = useRollout();
  return <>{rollout != null && isUnderWay(rollout) ? `Roll-out: ${stageName(rollout)}` : "Roll-out"}</>;
}

export function PolicyRollout() {
  const rollout = useRollout();
  return <Shown query={rollout}>{(one) => (one === null ? <NoneYet /> : <Told rollout={one} />)}</Shown>;
}

function NoneYet() {
  return (
    <Panel title="Roll-out of a policy">
      <Empty title="No policy has been rolled out yet">
        <code>pointsman policy promote FILE</code> lets one earn its share beside the configured policy, step by step. What it shows is here then, and a button that takes it back.
      </Empty>
    </Panel>
  );
}

function Told({ rollout }: { rollout: Rollout }) {
  const { tone, name } = standing(rollout);
  const further = next(rollout);
  return (
    <>
      <Panel title="Roll-out of a policy" tools={isUnderWay(rollout) && <RollBack rollout={rollout} />}>
        <div className="facts">
          <Badge state={rollout.stage} looks={tone}>
            {name}
          </Badge>
          <b>{headline(rollout)}</b>
          <span className="note">{rollout.id}</span>
        </div>
        <Stages rollout={rollout} />
        {further !== null && <p className="note">{further}</p>}
        <Facts rollout={rollout} />
        <Groups rollout={rollout} />
      </Panel>
      <Checks rollout={rollout} />
      <Turns turns={rollout.turns} />
    </>
  );
}

function RollBack({ rollout }: { rollout: Rollout }) {
  const rollBack = useRollBackPolicy();
  const refused = useRefused("operator");
  return (
    <Confirm
      name="Roll back"
      title={`Roll back ${rollout.id}`}
      effect={
        <p>
          At once, the configured policy routes everything again{rollout.share > 0 ? `, the ${share(rollout.share)} too that the candidate routes now` : ""}. It can&apos;t be taken up again: another roll-out begins with A/A.
        </p>
      }
      does="Roll back"
      kind="danger"
      reason="optional"
      refused={refused}
      run={(reason) => rollBack.mutateAsync(reason)}
    />
  );
}

const STATES = { done: "passed", now: "now", ended: "ended here", ahead: "ahead" };

function Stages({ rollout }: { rollout: Rollout }) {
  const all = stages(rollout);
  return (
    <div className="steps" role="img" aria-label={`Stages: ${all.map(({ name, state }) => `${name} ${STATES[state]}`).join(", ")}`}>
      {all.map(({ name, state }) => (
        <span key={name} className={`step ${state}`}>
          {name}
        </span>
      ))}
    </div>
  );
}

function Facts({ rollout }: { rollout: Rollout }) {
  const now = useNow();
  const gateways = (rollout.policy.gateways as { name: string }[]).map(({ name }) => name);
  return (
    <dl className="facts">
      <div>
        <dt>Share now</dt>
        <dd>{share(rollout.share)}</dd>
      </div>
      {isUnderWay(rollout) ? (
        <div>
          <dt>In this stage for</dt>
          <dd>{span(now - Date.parse(since(rollout)))}</dd>
        </div>
      ) : (
        <div>
          <dt>Ended</dt>
          <dd>
            <Left until={since(rollout)} />
          </dd>
        </div>
      )}
      <div>
        <dt>Begun</dt>
        <dd>
          <At time={rollout.started_at} /> by {rollout.started_by}
        </dd>
      </div>
      <div>
        <dt>Hold-out</dt>
        <dd>{share(rollout.plan.hold_out)}</dd>
      </div>
      <div>
        <dt>Candidate</dt>
        <dd>
          learning {rollout.policy.learning}, gateways {gateways.length === 0 ? "as configured" : gateways.join(", ")}
        </dd>
      </div>
    </dl>
  );
}

function Turns({ turns }: { turns: Rollout["turns"] }) {
  return (
    <Panel title="Changes of stage">
      <Table
        label="Changes of stage"
        rows={[...turns].reverse()}
        rowKey={(turn) => turn.at + turn.to}
        empty="None yet"
        columns={[
          { name: "When", cell: (turn) => <At time={turn.at} />, plain: (turn) => turn.at },
          { name: "From", cell: (turn) => stageWord(turn.from), plain: (turn) => turn.from },
          { name: "To", cell: (turn) => stageWord(turn.to), plain: (turn) => turn.to },
          { name: "Why", cell: (turn) => (turn.reason == null ? "–" : capital(turn.reason)), plain: (turn) => turn.reason, isWords: true },
        ]}
      />
    </Panel>
  );
}

/** A step isn't parted from its number. */
const stageWord = (stage: string) => (stage === "same" ? "A/A" : capital(stage).replace(" ", "\u00a0"));
