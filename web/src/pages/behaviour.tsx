/** What payers do after an attempt in a slice: try again, with another method or gateway, or leave. How far back is in the address as `behaviour`. */
import { useBehaviour } from "../api/queries";
import type { Behaviour as Told, BehaviourPart } from "../api/types";
import { At } from "../parts/basic";
import { Choice } from "../parts/choice";
import { Shown } from "../parts/states";
import { count, number, percent } from "../view/format";
import { useParam } from "../view/params";

const WINDOWS = ["15m", "1h", "6h"];

export function Behaviour({ slice }: { slice: string }) {
  const [window, setWindow] = useParam("behaviour", "15m");
  const behaviour = useBehaviour(slice, WINDOWS.includes(window) ? window : "15m");
  return (
    <section aria-label="What payers do">
      <div className="with-tools">
        <h3>What payers do</h3>
        <Choice label="Payers of the last" value={window} onChange={setWindow} options={WINDOWS.map((value) => ({ value, name: value }))} />
      </div>
      <Shown query={behaviour}>{(told) => <Parts told={told} />}</Shown>
    </section>
  );
}

function Parts({ told }: { told: Told }) {
  if (told.payments === 0) return <p className="note">No payments in this time.</p>;
  return (
    <>
      <dl className="parts">
        <Part name="Tried again" part={told.tried_again} note={`${number(told.attempts_per_payment)} attempts per payment`} />
        <Part name="… by another method" part={told.switched_method} note="of those with a later attempt" />
        <Part name="… through another gateway" part={told.switched_gateway} note="of those with a later attempt" />
        <Part name="Abandoned" part={told.abandoned} note="left by the payer at the last attempt" />
        <Part name="Failed at last" part={told.failed_last} note="may be tried again yet" />
      </dl>
      <p className="note">
        {count(told.payments)} payments with an attempt here
        {!told.is_complete && (
          <>
            , since <At time={told.from} />: more attempts than are read at once
          </>
        )}
        .
      </p>
    </>
  );
}

function Part({ name, part, note }: { name: string; part: BehaviourPart; note: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        <b>{percent(part.share)}</b>
        <span className="bar" aria-hidden="true">
          <span style={{ width: `${100 * (part.share ?? 0)}%` }} />
        </span>
        <span className="note">
          {count(part.payments)}; {note}
        </span>
      </dd>
    </div>
  );
}
