/** Times in which nothing new is begun. */
import { useSetFreezes } from "../../api/commands";
import { useFreezes } from "../../api/queries";
import { At, Panel } from "../../parts/basic";
import { Confirm } from "../../parts/dialog";
import { Empty, Shown } from "../../parts/states";
import { Table } from "../../parts/table";
import { useRefused } from "../../shell/may";
import { serverNow } from "../../view/now";

export function Freezes() {
  const freezes = useFreezes();
  const set = useSetFreezes();
  const refused = useRefused("operator");
  const notApprover = useRefused("approver");
  return (
    <Panel title="Freeze windows">
      <Shown query={freezes}>
        {({ data }) => (
          <>
            <Table
              label="Freeze windows"
              rows={data}
              rowKey={(f) => f.from + f.to + f.reason}
              empty={<Empty title="None">Nothing new is begun in a freeze window; rollbacks go on.</Empty>}
              columns={[
                { name: "From", cell: (f) => <At time={f.from} />, plain: (f) => f.from },
                { name: "To", cell: (f) => <At time={f.to} />, plain: (f) => f.to },
                { name: "Why", cell: (f) => f.reason },
                {
                  name: "",
                  cell: (f) => (
                    <Confirm name="Remove" title="Remove the freeze window" effect={<p>The operator may begin new actions in this time again.</p>} does="Remove" refused={notApprover} run={() => set.mutateAsync(data.filter((other) => other !== f))} />
                  ),
                },
              ]}
            />
            <div>
              <Confirm
                name="Freeze for an hour"
                title="Freeze for an hour"
                effect={<p>From now on for an hour nothing new is begun. What is in force goes on, and can be undone.</p>}
                does="Freeze"
                reason="needed"
                refused={refused}
                run={(reason) => {
                  const now = serverNow();
                  return set.mutateAsync([...data, { from: new Date(now).toISOString(), to: new Date(now + 3_600_000).toISOString(), reason }]);
                }}
              />
            </div>
          </>
        )}
      </Shown>
    </Panel>
  );
}
