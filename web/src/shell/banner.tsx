/** On every page: what the operator may do by itself, whether it is stopped, and the switch that stops it. */
import { useState } from "react";

import { useSetKillSwitch } from "../api/commands";
import { useFreezes, useKillSwitch, useSettings } from "../api/queries";
import { useConnection } from "../live/live";
import { At, Button } from "../parts/basic";
import { Asked } from "../parts/dialog";
import { span } from "../view/format";
import { useNow, useWallNow } from "../view/now";
import { actionName } from "../view/words";
import { useRefused, useRefusedToClear } from "./may";

const ACTING = ["reroute", "adjust_retry", "suppress_path"];

export function Banner({ killOpen, setKillOpen }: { killOpen: boolean; setKillOpen: (open: boolean) => void }) {
  const kill = useKillSwitch();
  const isKilled = kill.data?.engaged === true;
  return (
    <div className="banners">
      <Lost />
      <div className={`banner ${isKilled ? "killed" : ""}`} role="region" aria-label="Mode of the operator">
        <div className="says">{isKilled ? <Killed /> : <Mode />}</div>
        <KillSwitch open={killOpen} setOpen={setKillOpen} />
      </div>
    </div>
  );
}

function Mode() {
  const settings = useSettings();
  const freezes = useFreezes();
  const now = useNow();
  const modes = settings.data?.value.modes;
  if (modes === undefined) {
    return <span>{settings.isError ? `The mode isn't known: ${settings.error.message}` : "Asking for the mode…"}</span>;
  }
  const values = ACTING.map((action) => modes[action] ?? "shadow");
  const isSame = values.every((value) => value === values[0]);
  const freeze = freezes.data?.data.find((f) => Date.parse(f.from) <= now && now < Date.parse(f.to));
  return (
    <>
      <span className="lead-word">{freeze === undefined ? "Mode" : "Paused"}</span>
      {isSame ? (
        <span className="chip">
          <b>{values[0]}</b>
        </span>
      ) : (
        ACTING.map((action) => (
          <span className="chip" key={action}>
            {actionName(action)} <b>{modes[action]}</b>
          </span>
        ))
      )}
      {freeze !== undefined ? (
        <span>
          Freeze until <At time={freeze.to} />: {freeze.reason}
        </span>
      ) : (
        <span className="meaning">{isSame ? MEANING[values[0] ?? ""] : null}</span>
      )}
    </>
  );
}

const MEANING: Record<string, string> = {
  shadow: "It computes and scores what it would do. Nothing is obeyed.",
  advise: "It says what it would do. Nothing is moved.",
  approve: "It waits for a person before anything is moved.",
  auto: "It acts by itself, within its limits, and takes back what doesn't help.",
};

function Killed() {
  const { data } = useKillSwitch();
  return (
    <>
      <span className="lead-word">Stopped</span>
      <span>
        The kill switch is engaged{data?.by != null && ` by ${data.by}`}
        {data?.at != null && (
          <>
            {" "}
            since <At time={data.at} />
          </>
        )}
        {data?.reason != null && `: ${data.reason}`}. Nothing is rerouted, nothing tried.
        {data?.clear_requested_by != null && ` ${data.clear_requested_by} has asked to clear it; a second person has to agree.`}
      </span>
    </>
  );
}

function KillSwitch({ open, setOpen }: { open: boolean; setOpen: (open: boolean) => void }) {
  const { data } = useKillSwitch();
  const set = useSetKillSwitch();
  const isKilled = data?.engaged === true;
  const mayEngage = useRefused("operator");
  const mayClear = useRefusedToClear();
  const refused = isKilled ? mayClear : mayEngage;
  const [said, setSaid] = useState<string | null>(null);
  return (
    <div className="kill">
      <Button
        kind={isKilled ? "main" : "danger"}
        aria-disabled={refused !== null}
        title={refused ?? undefined}
        onClick={() => refused === null && setOpen(true)}
      >
        {isKilled ? "Clear kill switch" : "Kill switch"}
      </Button>
      <Asked
        title={isKilled ? "Clear the kill switch" : "Engage the kill switch"}
        effect={
          isKilled ? (
            <p>
              The operator goes back to its modes. Where two people are needed, this asks for it, and another person has to agree within 15 minutes.
            </p>
          ) : (
            <p>
              At once: every reroute ends, payments take the caller's own order, nothing is tried. Detection goes on. It stays until it is cleared, restarts included.
            </p>
          )
        }
        does={isKilled ? "Clear" : "Engage"}
        kind={isKilled ? "main" : "danger"}
        reason={isKilled ? "optional" : "needed"}
        run={async (reason) => {
          const after = (await set.mutateAsync({ engaged: !isKilled, reason })) as { engaged: boolean };
          setSaid(after.engaged ? (isKilled ? "Asked; another person has to agree" : "Engaged") : "Cleared");
        }}
        open={open}
        onClose={() => setOpen(false)}
      />
      <span className="visually-hidden" role="status">
        {said}
      </span>
    </div>
  );
}

/** A lost connection is said, with what is still shown, and recovers by itself. */
function Lost() {
  const connection = useConnection();
  const now = useWallNow();
  if (connection.state === "lost" && now - connection.since > 1_000) {
    const left = Math.max(0, connection.retryAt - now);
    return (
      <div className="banner lost" role="alert">
        <span className="lead-word">Connection lost</span>
        {/* Its seconds are seen; heard each second they would drown everything else. */}
        <span aria-live="off">
          What you see is {span(now - connection.since)} old. {left > 0 ? `Trying again in ${span(left)}.` : "Trying again."}
        </span>
      </div>
    );
  }
  return null;
}
