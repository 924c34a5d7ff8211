/** Changes that widen a limit: they wait for a second person. */
import { useConfirmChange, useWithdrawChange } from "../../api/commands";
import { usePending } from "../../api/queries";
import type { Pending as Waiting } from "../../api/types";
import { At, Left, Panel } from "../../parts/basic";
import { Confirm } from "../../parts/dialog";
import { useRefused } from "../../shell/may";

export function Pending() {
  const refused = useRefused("admin");
  const pending = usePending(refused === null);
  const confirm = useConfirmChange();
  const withdraw = useWithdrawChange();
  const waiting = pending.data?.data ?? [];
  if (waiting.length === 0) return null;
  return (
    <Panel title="Waiting for a second person">
      <ul className="list">
        {waiting.map((one) => (
          <li key={one.id} className="card pending">
            <div className="head">
              <span>
                {one.requested_by} asked <At time={one.requested_at} />, ends <Left until={one.expires_at} isWall />
              </span>
              <span className="end tools">
                <Confirm name="Withdraw" title="Withdraw the change" effect={<What one={one} />} does="Withdraw" run={() => withdraw.mutateAsync(one.id)} />
                <Confirm name="Agree" title="Agree to the change" effect={<What one={one} />} does="Agree" kind="main" run={() => confirm.mutateAsync(one.id)} />
              </span>
            </div>
            <What one={one} />
          </li>
        ))}
      </ul>
    </Panel>
  );
}

function What({ one }: { one: Waiting }) {
  const parts = [...Object.entries(one.change.modes ?? {}), ...Object.entries((one.change.guardrails ?? {}) as Record<string, unknown>)];
  return (
    <>
      <dl className="facts">
        {parts.map(([name, value]) => (
          <div key={name}>
            <dt>{name.replaceAll("_", " ")}</dt>
            <dd>{JSON.stringify(value)}</dd>
          </div>
        ))}
      </dl>
      <p className="note">Gives more freedom: {one.widens.join(", ")}</p>
    </>
  );
}
