/** Page 9: strike the simulated network, and watch it being found. */
import { useState } from "react";

import { useMend, useOutages, useStrike } from "../api/demo";
import { useIncidents, useRoutes } from "../api/queries";
import type { Slice } from "../api/types";
import { At, Badge, Button, Left, Page, Panel, SliceChips, To } from "../parts/basic";
import { Select } from "../parts/choice";
import { Empty, Shown } from "../parts/states";
import { share } from "../view/format";
import { dimensionName, inWords, touches } from "../view/slice";
import { capital } from "../view/words";

export default function Break() {
  const outages = useOutages(true);
  return (
    <Page title="Break something" lead="The network is simulated, so it may be broken: choose where, how badly and for how long.">
      <Shown query={outages}>
        {({ data }) => (
          <div className="columns">
            <Panel title="Strike">
              <Form />
            </Panel>
            <Panel title="Broken now">
              {data.length === 0 ? (
                <Empty title="Nothing" />
              ) : (
                <ul className="list">
                  {data.map((outage) => (
                    <li key={outage.id} className="card">
                      <SliceChips slice={outage.slice} />
                      <span className="note">
                        {share(outage.severity)} of approvals fail; by {outage.by}, ends <Left until={outage.ends_at} />
                      </span>
                      <Found slice={outage.slice} since={outage.starts_at} />
                    </li>
                  ))}
                </ul>
              )}
              {data.length > 0 && <Mend />}
            </Panel>
          </div>
        )}
      </Shown>
    </Page>
  );
}

function Mend() {
  const mend = useMend();
  return (
    <div>
      <Button onClick={() => mend.mutate()}>Mend everything</Button>
    </div>
  );
}

/** Whether an incident has been found that touches it. */
function Found({ slice, since }: { slice: Slice; since: string }) {
  const incidents = useIncidents({ limit: 50 });
  // One that shares a part of it; that another could hold the same payment is no sign of it.
  const shares = (other: Slice) => touches(other, slice) && Object.keys(slice).some((name) => other[name] !== undefined);
  const found = incidents.data?.data.find((i) => shares(i.slice) && Date.parse(i.detected_at) >= Date.parse(since));
  if (found === undefined) return <Badge state="pending">not found yet</Badge>;
  return (
    <span>
      <Badge state={found.status} /> <To href={`/incidents/${found.id}`}>{inWords(found.slice)}</To>{" "}
      <span className="note">
        found <At time={found.detected_at} />
      </span>
    </span>
  );
}

const STRUCK = ["gateway", "issuer", "network"];

function Form() {
  const strike = useStrike();
  const [slice, setSlice] = useState<Slice>({});
  const [severity, setSeverity] = useState("0.6");
  const [duration, setDuration] = useState("300");
  const isWhole = Object.keys(slice).length === 0;
  const choose = (name: string, value: string) =>
    setSlice((before) => Object.fromEntries([...Object.entries(before).filter(([other]) => other !== name), ...(value === "" ? [] : [[name, value]])]) as Slice);
  return (
    <form
      className="list"
      onSubmit={(event) => {
        event.preventDefault();
        strike.mutate({ slice, severity: Number(severity), duration_s: Number(duration) });
      }}
    >
      <div className="form-grid break-form">
        {STRUCK.map((name) => (
          <Values key={name} name={name} value={slice[name] ?? ""} onChange={(value) => choose(name, value)} />
        ))}
        <Select label="Severity" value={severity} onChange={setSeverity} options={["0.2", "0.4", "0.6", "0.9"].map((value) => ({ value, name: share(Number(value)) }))} />
        <Select label="For" value={duration} onChange={setDuration} options={["120", "300", "600"].map((value) => ({ value, name: `${Number(value) / 60} min` }))} />
      </div>
      {strike.isError && (
        <p className="error" role="alert">
          {strike.error.message}
        </p>
      )}
      <div>
        <Button kind="danger" type="submit" disabled={strike.isPending || isWhole}>
          Break it
        </Button>{" "}
        <span className="note">{isWhole ? "Choose a gateway, a bank or a network first" : inWords(slice)}</span>
      </div>
    </form>
  );
}

function Values({ name, value, onChange }: { name: string; value: string; onChange: (value: string) => void }) {
  const routes = useRoutes(name);
  const values = (routes.data?.data ?? []).map((row) => row.slice[name] ?? "").filter((v) => v !== "" && !v.startsWith("__"));
  return <Select label={capital(dimensionName(name))} value={value} onChange={onChange} options={[{ value: "", name: "any" }, ...values.map((v) => ({ value: v, name: v }))]} />;
}
