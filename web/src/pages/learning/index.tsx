/** Page 5: what was learnt of routes, and which action ended how on which pattern. */
import { useExperiments, useMemory } from "../api/queries";
import { At, Badge, Page, Panel, SliceChips } from "../parts/basic";
import { Empty, Shown } from "../parts/states";
import { Table } from "../parts/table";
import { confidence, count } from "../view/format";
import { asText } from "../view/slice";
import { actionName } from "../view/words";

export default function Learning() {
  const memory = useMemory();
  return (
    <Page title="Learning" lead="What the operator remembers. It weighs both when it decides.">
      <Shown query={memory} rows={6}>
        {({ beliefs, lessons }) => (
          <>
            <Panel title="Beliefs">
              <Table
                label="Beliefs per route"
                rows={Object.entries(beliefs)
                  .map(([key, belief]) => ({ key, ...belief }))
                  .sort((a, b) => b.confidence - a.confidence)}
                rowKey={(b) => b.key}
                empty={<Empty title="No beliefs yet">The first incident leaves one per route.</Empty>}
                file="beliefs"
                columns={[
                  { name: "Route", cell: (b) => b.key, plain: (b) => b.key },
                  {
                    name: "Trouble of its own is credible",
                    cell: (b) => (
                      <span className="weight">
                        {confidence(b.confidence)}
                        <span className="bar" aria-hidden="true">
                          <span style={{ width: `${100 * b.confidence}%` }} />
                        </span>
                      </span>
                    ),
                    plain: (b) => b.confidence,
                  },
                  { name: "Last incident's slice", cell: (b) => <SliceChips slice={b.slice} />, plain: (b) => asText(b.slice) },
                  { name: "Seen", cell: (b) => count(b.times_seen), plain: (b) => b.times_seen, isNumber: true },
                  { name: "Last", cell: (b) => <At time={b.last_seen} />, plain: (b) => b.last_seen },
                ]}
              />
            </Panel>
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
            <Verdicts />
          </>
        )}
      </Shown>
    </Page>
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
                { name: "Verdict", cell: ([verdict]) => <Badge state={verdict} /> },
                { name: "Experiments", cell: ([, n]) => count(n), isNumber: true },
              ]}
            />
          );
        }}
      </Shown>
    </Panel>
  );
}
