/** Page 5: what was learnt of routes, which action ended how on which pattern, and how well the operator knows what it knows. */
import { useExperiments, useMemory } from "../../api/queries";
import type { Memory } from "../../api/types";
import { Badge, Page, Panel } from "../../parts/basic";
import { Empty, Shown } from "../../parts/states";
import { Table } from "../../parts/table";
import { count } from "../../view/format";
import { actionName } from "../../view/words";
import { Beliefs } from "./beliefs";
import { Calibration } from "./calibration";

export default function Learning() {
  const memory = useMemory();
  return (
    <Page title="Learning" lead="What the operator remembers, which it weighs when it decides, and whether it is right as often as it says.">
      <Shown query={memory} rows={6}>
        {({ beliefs, lessons }) => (
          <>
            <Beliefs beliefs={beliefs} />
            <Calibration />
            <div className="columns">
              <Lessons lessons={lessons} />
              <Verdicts />
            </div>
          </>
        )}
      </Shown>
    </Page>
  );
}

function Lessons({ lessons }: { lessons: Memory["lessons"] }) {
  return (
    <Panel title="Lessons">
      <Table
        label="Lessons"
        rows={[...lessons].sort((a, b) => b.times_seen - a.times_seen)}
        rowKey={(l) => `${l.pattern} ${l.action} ${l.outcome}`}
        empty={<Empty title="No lessons yet">An action that ends with a verdict leaves one.</Empty>}
        file="lessons"
        columns={[
          { name: "Pattern", cell: (l) => l.pattern, plain: (l) => l.pattern },
          { name: "Action", cell: (l) => actionName(l.action), plain: (l) => l.action },
          { name: "Outcome", cell: (l) => <Badge state={l.outcome} />, plain: (l) => l.outcome },
          { name: "Times", cell: (l) => count(l.times_seen), plain: (l) => l.times_seen, isNumber: true },
        ]}
      />
    </Panel>
  );
}

/** How its experiments ended. */
function Verdicts() {
  const experiments = useExperiments({ limit: 500 });
  return (
    <Panel title="How its experiments ended">
      <Shown query={experiments}>
        {({ data }) => {
          const counts = new Map<string, number>();
          for (const x of data) if (x.ended_at != null) counts.set(x.verdict, (counts.get(x.verdict) ?? 0) + 1);
          return (
            <Table
              label="Verdicts"
              rows={[...counts].sort(([, a], [, b]) => b - a)}
              rowKey={([verdict]) => verdict}
              empty="No experiment has ended yet"
              columns={[
                { name: "Verdict", cell: ([verdict]) => <Badge state={verdict} />, plain: ([verdict]) => verdict },
                { name: "Experiments", cell: ([, n]) => count(n), isNumber: true },
              ]}
            />
          );
        }}
      </Shown>
    </Panel>
  );
}
