/** What is watched, and how near it is to taking the candidate back. */
import type { Rollout } from "../../api/types";
import { Badge, Panel } from "../../parts/basic";
import { Table } from "../../parts/table";
import { evidence } from "../../view/format";
import { isUnderWay } from "../../view/rollout";
import { checks } from "../../view/rollout-checks";

export function Checks({ rollout }: { rollout: Rollout }) {
  const limit = rollout.evidence.stops_at;
  const title = isUnderWay(rollout) ? "What takes it back" : "What was watched";
  return (
    <Panel title={title}>
      <Table
        label={title}
        rows={checks(rollout)}
        rowKey={(check) => check.name}
        empty="Nothing is watched"
        file="rollout-checks"
        columns={[
          { name: "If", cell: (check) => check.name, plain: (check) => check.name, isWords: true },
          {
            name: "State",
            cell: (check) => (
              <Badge state={check.name} looks={check.state.tone}>
                {check.state.name}
              </Badge>
            ),
            plain: (check) => check.state.name,
          },
          { name: "Evidence e", cell: (check) => evidence(check.e), plain: (check) => check.e, isNumber: true },
          { name: "Ends it at", cell: () => evidence(limit), plain: () => limit, isNumber: true },
          { name: "Candidate; others", cell: (check) => check.seen, plain: (check) => check.seen, isWords: true },
        ]}
      />
      <p className="note">
        Evidence is counted payment by payment and runs on from step to step, so that it may tell before the interval of one stage does. Payments are counted in {isUnderWay(rollout) ? "the present" : "its last"} stage, those with what a guard watches over all steps.
      </p>
    </Panel>
  );
}
