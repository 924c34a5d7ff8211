/** Page 6: the cycle log in its strict form, and why each was so. */
import { useDecisions } from "../api/queries";
import type { Decision } from "../api/types";
import { At, Badge, Button, Page, SliceChips, To } from "../parts/basic";
import { Select } from "../parts/choice";
import { Empty, Shown } from "../parts/states";
import { Table } from "../parts/table";
import { csv, download } from "../view/csv";
import { confidence, share } from "../view/format";
import { cycleText } from "../view/cycle";
import { hindsightWords } from "../view/hindsight";
import { useParam } from "../view/params";
import { asText, inWords } from "../view/slice";
import { actionName, modeMeaning } from "../view/words";
import { Cycle } from "./cycle";
import { HeldBy } from "./doing";

const ACTIONS = ["", "reroute", "adjust_retry", "suppress_path", "alert", "no_action"].map((value) => ({ value, name: value === "" ? "all" : actionName(value) }));

export default function Decisions() {
  const [action, setAction] = useParam("action");
  const [incident, setIncident] = useParam("incident");
  const [words, setWords] = useParam("words");
  const [why, setWhy] = useParam("why");
  const decisions = useDecisions({ limit: 500 });
  const isWanted = (d: Decision) =>
    (action === "" || d.action === action) &&
    (incident === "" || d.incident_id === incident) &&
    (words === "" || `${cycleText(d)} ${inWords(d.slice)}`.toLowerCase().includes(words.toLowerCase()));
  return (
    <Page title="Decisions" lead="Every cycle that had something to say, in its own words.">
      <Shown query={decisions} rows={6}>
        {({ data }) => {
          const wanted = data.filter(isWanted);
          return (
            <>
              <div className="tools">
                <Select label="Action" value={action} options={ACTIONS} onChange={setAction} />
                <label className="select">
                  <span>Incident</span>
                  <input value={incident} size={10} onChange={(e) => setIncident(e.target.value)} placeholder="inc_1" />
                </label>
                <label className="select">
                  <span>Words</span>
                  <input type="search" value={words} onChange={(e) => setWords(e.target.value)} placeholder="razorpay HDFC" />
                </label>
                <span className="note">
                  {wanted.length} of the latest {data.length}
                </span>
                {wanted.length > 0 && (
                  <Button kind="quiet" onClick={() => save(wanted)}>
                    Save as CSV
                  </Button>
                )}
              </div>
              {wanted.length === 0 ? (
                <Empty title={data.length === 0 ? "No decision yet" : "None is so"}>{data.length === 0 ? "A cycle speaks when an action begins, changes or ends, and when nothing is done for a new reason." : "Another filter shows others."}</Empty>
              ) : (
                <ul className="list">
                  {wanted.slice(0, 100).map((d) => (
                    <One key={d.id} decision={d} isOpen={d.id === why} onOpen={(isOpen) => setWhy(isOpen ? d.id : "")} />
                  ))}
                </ul>
              )}
            </>
          );
        }}
      </Shown>
    </Page>
  );
}

function save(decisions: Decision[]): void {
  const head = ["id", "at", "incident_id", "action", "slice", "share", "confidence", "mode", "held", "reason"];
  const rows = decisions.map((d) => [d.id, d.at, d.incident_id, d.action, asText(d.slice), d.share, d.confidence, d.mode, d.held.map((h) => h.guardrail).join(" "), d.reason]);
  download("decisions.csv", csv(head, rows));
}

function One({ decision: d, isOpen, onOpen }: { decision: Decision; isOpen: boolean; onOpen: (isOpen: boolean) => void }) {
  return (
    <li className="card">
      <div className="head">
        <Badge state={d.action === "no_action" || d.action === "alert" ? "expired" : d.needs_approval ? "pending" : "active"}>{actionName(d.action)}</Badge>
        <SliceChips slice={d.slice} />
        <span className="note end">
          <At time={d.at} /> · {d.id}
        </span>
      </div>
      <Cycle decision={d} />
      <div className="facts">
        <To href={`/incidents/${d.incident_id}`}>Incident {d.incident_id}</To>
        {d.intervention_id != null && <To href={`/actions/${d.intervention_id}`}>Action {d.intervention_id}</To>}
        <Button kind="quiet" aria-expanded={isOpen} onClick={() => onOpen(!isOpen)}>
          {isOpen ? "Less" : "Why?"}
        </Button>
      </div>
      {d.hindsight != null && (
        <p className="note">
          <b>In hindsight.</b> {hindsightWords(d.hindsight)}
        </p>
      )}
      {isOpen && <Why decision={d} />}
    </li>
  );
}

function Why({ decision: d }: { decision: Decision }) {
  return (
    <>
      <p>{d.reason}</p>
      <p className="note">
        Mode {d.mode}: {modeMeaning(d.mode).toLowerCase()}. To run the recorded inputs again and see whether this comes out: <code>pointsman export journal</code>, then <code>pointsman replay</code>.
      </p>
      <HeldBy held={d.held} />
      {d.considered.length > 0 && (
        <Table
          label="What was weighed"
          rows={d.considered}
          rowKey={(c) => `${c.from} ${c.to.map((t) => t.gateway).join(" ")} ${asText(c.slice)}`}
          empty=""
          columns={[
            { name: "Weighed, not made", cell: (c) => `${c.from} to ${c.to.map((t) => `${t.gateway} ${share(t.share)}`).join(", ")}` },
            { name: "Slice", cell: (c) => <SliceChips slice={c.slice} />, plain: (c) => asText(c.slice) },
            { name: "Would gain, probability", cell: (c) => confidence(c.confidence), isNumber: true },
          ]}
        />
      )}
    </>
  );
}
