/** Page 8: modes, limits, freeze windows, keys, the audit log. */
import { useState } from "react";

import { useAudit, useChangeSettings, useFreezes, useGateways, useKeys, useRevokeKey, useSetFreezes, useSettings } from "../api/queries";
import { At, Badge, Button, Page, Panel } from "../parts/basic";
import { Select } from "../parts/choice";
import { Asked, Confirm } from "../parts/dialog";
import { Empty, Shown } from "../parts/states";
import { Table } from "../parts/table";
import { useRefused } from "../shell/may";
import { actionName, modeMeaning } from "../view/words";

const MODES = ["shadow", "advise", "approve", "auto"].map((value) => ({ value, name: value }));
const ACTIONS = ["reroute", "adjust_retry", "suppress_path", "alert"];

export default function SettingsPage() {
  return (
    <Page title="Settings" lead="What the operator may do, who may change that, and what was changed.">
      <div className="columns">
        <Modes />
        <Freezes />
      </div>
      <Limits />
      <Gateways />
      <Keys />
      <Audit />
    </Page>
  );
}

function Modes() {
  const settings = useSettings();
  const change = useChangeSettings();
  const refused = useRefused("admin");
  const [wanted, setWanted] = useState<{ action: string; mode: string } | null>(null);
  return (
    <Panel title="Mode of each action">
      {refused !== null && <p className="note">{refused}</p>}
      <Shown query={settings}>
        {({ value, tag }) => (
          <>
            <dl className="pairs">
              {ACTIONS.map((action) => (
                <div key={action} style={{ display: "contents" }}>
                  <dt>{actionName(action)}</dt>
                  <dd>
                    <Select label="" value={value.modes[action] ?? "shadow"} options={MODES} onChange={(mode) => refused === null && setWanted({ action, mode })} name={`Mode of ${actionName(action)}`} />{" "}
                    <span className="note">{modeMeaning(value.modes[action] ?? "")}</span>
                  </dd>
                </div>
              ))}
            </dl>
            {wanted !== null && (
              <Asked
                title={`${actionName(wanted.action)}: ${wanted.mode}`}
                effect={
                  <p>
                    From {value.modes[wanted.action]} to {wanted.mode}: {modeMeaning(wanted.mode).toLowerCase()}. It is written to the audit log.
                  </p>
                }
                does="Change"
                run={() => change.mutateAsync({ tag, modes: { [wanted.action]: wanted.mode } })}
                open
                onClose={() => setWanted(null)}
              />
            )}
          </>
        )}
      </Shown>
    </Panel>
  );
}

function Freezes() {
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
                { name: "From", cell: (f) => <At time={f.from} /> },
                { name: "To", cell: (f) => <At time={f.to} /> },
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
                  const now = Date.now();
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

function Limits() {
  const settings = useSettings();
  return (
    <Panel title="Limits">
      <Shown query={settings}>
        {({ value }) => (
          <dl className="form-grid">
            {Object.entries(value.guardrails as Record<string, unknown>).map(([name, limit]) => (
              <div key={name}>
                <dt className="note">{name.replaceAll("_", " ")}</dt>
                <dd>{typeof limit === "object" ? JSON.stringify(limit) : String(limit as number)}</dd>
              </div>
            ))}
          </dl>
        )}
      </Shown>
    </Panel>
  );
}

type Gateway = { name: string; methods: string[]; capacity_per_s?: number | null };

function Gateways() {
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

function Keys() {
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
              { name: "May", cell: (k) => k.role ?? k.scopes.join(", ") },
              { name: "Made", cell: (k) => <At time={k.created_at} /> },
              { name: "Expires", cell: (k) => <At time={k.expires_at} /> },
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
    </Panel>
  );
}

function Audit() {
  const refused = useRefused("admin");
  const [after, setAfter] = useState(0);
  const audit = useAudit(after, refused === null);
  if (refused !== null) return null;
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
