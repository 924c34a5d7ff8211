/** API keys: made here, shown once, revoked. */
import { useState } from "react";

import { useMakeKey, useRevokeKey } from "../../api/commands";
import { useKeys } from "../../api/queries";
import { At, Badge, Button, Panel } from "../../parts/basic";
import { Select } from "../../parts/choice";
import { Confirm } from "../../parts/dialog";
import { Empty, Shown } from "../../parts/states";
import { Table } from "../../parts/table";
import { useRefused } from "../../shell/may";
import type { Role } from "../../api/types";

const MAY = ["viewer", "operator", "approver", "admin", "events", "route", "events,route"].map((value) => ({ value, name: value.includes(",") ? "events and route" : value }));
const ROLES = ["viewer", "operator", "approver", "admin"];

export function Keys() {
  const refused = useRefused("admin");
  const keys = useKeys(refused === null);
  const revoke = useRevokeKey();
  if (refused !== null) return null;
  return (
    <Panel title="API keys">
      <Shown query={keys}>
        {({ data }) => (
          <Table
            label="API keys"
            rows={data}
            rowKey={(k) => k.id}
            empty={<Empty title="None">Without keys only this machine is answered. `pointsman keys create` makes one.</Empty>}
            columns={[
              { name: "Key", cell: (k) => k.id },
              { name: "For", cell: (k) => k.name },
              { name: "May", cell: (k) => k.role ?? k.scopes.join(", ") },
              { name: "Made", cell: (k) => <At time={k.created_at} />, plain: (k) => k.created_at },
              { name: "Expires", cell: (k) => <At time={k.expires_at} />, plain: (k) => k.expires_at },
              {
                name: "",
                cell: (k) =>
                  k.revoked_at == null ? (
                    <Confirm name="Revoke" title={`Revoke ${k.id}`} effect={<p>Whoever uses it is refused within seconds. It can&apos;t be taken back.</p>} does="Revoke" kind="danger" run={() => revoke.mutateAsync(k.id)} />
                  ) : (
                    <Badge state="expired">revoked</Badge>
                  ),
              },
            ]}
          />
        )}
      </Shown>
      <NewKey />
    </Panel>
  );
}

/** Its secret is seen once, here. */
function NewKey() {
  const make = useMakeKey();
  const [name, setName] = useState("");
  const [may, setMay] = useState("viewer");
  const wanted = ROLES.includes(may) ? { name, role: may as Role } : { name, scopes: may.split(",") };
  return (
    <form
      className="tools"
      onSubmit={(event) => {
        event.preventDefault();
        make.mutate(wanted, { onSuccess: () => setName("") });
      }}
    >
      <label className="select">
        <span>For</span>
        <input value={name} required maxLength={128} onChange={(e) => setName(e.target.value)} placeholder="the night shift" />
      </label>
      <Select label="May" value={may} onChange={setMay} options={MAY} />
      <Button type="submit" disabled={make.isPending}>
        Make a key
      </Button>
      {make.isError && <span className="error">{make.error.message}</span>}
      {make.data?.key != null && (
        <p role="status">
          <code>{make.data.key}</code> <span className="note">This is the only time it is shown.</span>
        </p>
      )}
    </form>
  );
}
