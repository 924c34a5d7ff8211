/** Who changed what: the log whose entries are chained by their hashes. */
import { useAudit } from "../../api/queries";
import { At, Button, Panel } from "../../parts/basic";
import { Empty, Shown } from "../../parts/states";
import { Table } from "../../parts/table";
import { useRefused } from "../../shell/may";
import { useParam } from "../../view/params";

export function Audit() {
  const refused = useRefused("admin");
  const [from, setFrom] = useParam("after");
  const after = Number.parseInt(from, 10) || 0;
  const setAfter = (seq: number) => setFrom(seq === 0 ? "" : String(seq));
  const audit = useAudit(after, refused === null);
  if (refused !== null) return <Empty title="Not yours to see">{refused}</Empty>;
  return (
    <Panel title="Audit log">
      <Shown query={audit}>
        {({ data, next_after }) => (
          <>
            <Table
              label="Audit log"
              rows={data}
              rowKey={(e) => String(e.seq)}
              empty="Nothing was changed yet"
              file="audit"
              columns={[
                { name: "No.", cell: (e) => e.seq, plain: (e) => e.seq, isNumber: true },
                { name: "When", cell: (e) => <At time={e.at} />, plain: (e) => e.at },
                { name: "Who", cell: (e) => e.actor, plain: (e) => e.actor },
                { name: "What", cell: (e) => e.action, plain: (e) => e.action },
                { name: "On", cell: (e) => e.object, plain: (e) => e.object },
                { name: "Hash", cell: (e) => <code>{e.hash.slice(0, 12)}</code>, plain: (e) => e.hash },
              ]}
            />
            <div className="tools">
              {after > 0 && <Button onClick={() => setAfter(0)}>From the beginning</Button>}
              {next_after != null && <Button onClick={() => setAfter(next_after)}>Later entries</Button>}
            </div>
          </>
        )}
      </Shown>
    </Panel>
  );
}
