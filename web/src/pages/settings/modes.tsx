/** What each action may do by itself. */
import { useState } from "react";

import { useChangeSettings } from "../../api/commands";
import { useSettings } from "../../api/queries";
import { Panel } from "../../parts/basic";
import { Select } from "../../parts/choice";
import { Asked } from "../../parts/dialog";
import { Shown } from "../../parts/states";
import { useRefused } from "../../shell/may";
import { actionName, modeMeaning } from "../../view/words";

const MODES = ["shadow", "advise", "approve", "auto"].map((value) => ({ value, name: value }));
const ACTIONS = ["reroute", "adjust_retry", "suppress_path", "alert"];

export function Modes() {
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
                    <Select label="" value={value.modes[action] ?? "shadow"} options={MODES} onChange={(mode) => refused === null && setWanted({ action, mode })} name={`Mode of ${actionName(action)}`} />
                    <span className="note below-field">{modeMeaning(value.modes[action] ?? "")}</span>
                  </dd>
                </div>
              ))}
            </dl>
            {wanted !== null && (
              <Asked
                title={`${actionName(wanted.action)}: ${wanted.mode}`}
                effect={
                  <p>
                    From {value.modes[wanted.action]} to {wanted.mode}: {modeMeaning(wanted.mode).toLowerCase()}. Where two people are needed for more freedom, it waits for the second. It is written to the audit log.
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
