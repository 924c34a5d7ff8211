/** People of the configured issuer: given another role than their token says, or kept out. */
import { useChangeUser } from "../../api/commands";
import { useUsers } from "../../api/queries";
import type { Role } from "../../api/types";
import { At, Badge, Panel } from "../../parts/basic";
import { Select } from "../../parts/choice";
import { Confirm } from "../../parts/dialog";
import { Empty, Shown } from "../../parts/states";
import { Table } from "../../parts/table";
import { useRefused } from "../../shell/may";

const ROLES = ["", "viewer", "operator", "approver", "admin"].map((value) => ({ value, name: value === "" ? "as the token says" : value }));

export function Users() {
  const refused = useRefused("admin");
  const users = useUsers(refused === null);
  const change = useChangeUser();
  if (refused !== null) return <Empty title="Not yours to see">{refused}</Empty>;
  return (
    <Panel title="Users">
      {change.isError && (
        <p className="error" role="alert">
          {change.error.message}
        </p>
      )}
      <Shown query={users}>
        {({ data }) => (
          <Table
            label="Users"
            rows={data}
            rowKey={(u) => u.id}
            empty={<Empty title="Nobody is known by name">Whoever the issuer of auth.oidc vouches for has the role of their token; POST /v1/users knows somebody beforehand.</Empty>}
            columns={[
              { name: "Name", cell: (u) => u.name || u.subject },
              { name: "Subject", cell: (u) => <code>{u.subject}</code>, plain: (u) => u.subject },
              {
                name: "Role",
                plain: (u) => u.role ?? "",
                cell: (u) => <Select label="" name={`Role of ${u.name || u.subject}`} value={u.role ?? ""} options={ROLES} onChange={(role) => change.mutate({ id: u.id, role: role === "" ? null : (role as Role) })} />,
              },
              { name: "Known since", cell: (u) => <At time={u.created_at} />, plain: (u) => u.created_at },
              {
                name: "",
                cell: (u) =>
                  u.disabled ? (
                    <>
                      <Badge state="expired">kept out</Badge> <Confirm name="Let in" title={`Let ${u.name || u.subject} in`} effect={<p>Their tokens and sessions count again.</p>} does="Let in" run={() => change.mutateAsync({ id: u.id, disabled: false })} />
                    </>
                  ) : (
                    <Confirm name="Keep out" title={`Keep ${u.name || u.subject} out`} effect={<p>Nothing of theirs counts any more: tokens, sessions, and what they asked for.</p>} does="Keep out" kind="danger" run={() => change.mutateAsync({ id: u.id, disabled: true })} />
                  ),
              },
            ]}
          />
        )}
      </Shown>
    </Panel>
  );
}
