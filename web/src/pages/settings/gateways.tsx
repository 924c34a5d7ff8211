/** The gateways that are configured. */
import { useGateways } from "../../api/queries";
import { Panel } from "../../parts/basic";
import { Empty, Shown } from "../../parts/states";
import { Table } from "../../parts/table";

type Gateway = { name: string; methods: string[]; capacity_per_s?: number | null };

export function Gateways() {
  const gateways = useGateways();
  return (
    <Panel title="Gateways">
      <Shown query={gateways}>
        {({ data }) => (
          <Table
            label="Gateways"
            rows={data as Gateway[]}
            rowKey={(g) => g.name}
            empty={<Empty title="None is configured">Those that were seen for a method serve it. [[gateways]] in pointsman.toml names them.</Empty>}
            columns={[
              { name: "Name", cell: (g) => g.name },
              { name: "Methods", cell: (g) => g.methods.join(", ") },
              { name: "Room per second", cell: (g) => g.capacity_per_s ?? "not given", isNumber: true },
            ]}
          />
        )}
      </Shown>
    </Panel>
  );
}
