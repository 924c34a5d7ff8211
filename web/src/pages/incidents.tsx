/** Page 3: what is failing, the latest first. */
import { useIncidents } from "../api/queries";
import type { Incident } from "../api/types";
import { At, Badge, Page, SliceChips, To } from "../parts/basic";
import { Choice } from "../parts/choice";
import { Empty, Shown } from "../parts/states";
import { confidence, percent, rough, span } from "../view/format";
import { useNow } from "../view/now";
import { useParam } from "../view/params";
import { inWords } from "../view/slice";
import { headAndRest, sums } from "../view/sums";
import { actionName, causeName, signalName } from "../view/words";

const ALL = "all";
const STATES = [ALL, "open", "resolved"].map((value) => ({ value, name: value.charAt(0).toUpperCase() + value.slice(1) }));

export default function Incidents() {
  const [status, setStatus] = useParam("status", ALL);
  const incidents = useIncidents({ status: status === ALL ? "" : status, limit: 100 });
  return (
    <Page title="Incidents" lead="Findings that one root cause explains, with what they cost." tools={<Choice label="Status" value={status} options={STATES} onChange={setStatus} />}>
      <Shown query={incidents} rows={6}>
        {({ data }) =>
          data.length === 0 ? (
            <Empty title={status === ALL ? "Nothing has failed yet" : `No incident is ${status}`}>An incident appears here within seconds of being found.</Empty>
          ) : (
            <ul className="list">
              {data.map((incident) => (
                <Card key={incident.id} incident={incident} />
              ))}
            </ul>
          )
        }
      </Shown>
    </Page>
  );
}

function Card({ incident }: { incident: Incident }) {
  const now = useNow();
  const end = incident.resolved_at == null ? now : Date.parse(incident.resolved_at);
  const { impact } = incident;
  const lost = headAndRest(sums([incident], (one) => one.minor));
  return (
    <li className={`card ${incident.status}`}>
      <div className="head">
        <Badge state={incident.status} />
        <h2>
          <To href={`/incidents/${incident.id}`}>{inWords(incident.slice)}</To>
        </h2>
        <span className="note end">
          {incident.id} · began <At time={incident.started_at} />, {incident.resolved_at == null ? "for" : "lasted"} {span(end - Date.parse(incident.started_at))}
        </span>
      </div>
      <SliceChips slice={incident.slice} />
      <dl className="facts">
        <div>
          <dt>Cause</dt>
          <dd>
            {causeName(incident.cause)} <span className="note">{confidence(incident.confidence)}</span>
          </dd>
        </div>
        <div>
          <dt>{signalName(incident.signal)}</dt>
          <dd>
            {percent(incident.observed_rate)} <span className="note">where {percent(incident.baseline_rate)} is expected</span>
          </dd>
        </div>
        <div>
          <dt>Lost payments</dt>
          <dd>
            {rough(impact.lost_payments)}{" "}
            <span className="note">
              {rough(impact.lost_payments_low)} to {rough(impact.lost_payments_high)}
            </span>
          </dd>
        </div>
        {lost.head !== null && (
          <div>
            <dt>Lost</dt>
            <dd>
              {lost.head} <span className="note">{lost.rest}</span>
            </dd>
          </div>
        )}
        {incident.proposed_action != null && (
          <div>
            <dt>Last decision</dt>
            <dd>{actionName(incident.proposed_action.action)}</dd>
          </div>
        )}
        {incident.acknowledged_by != null && (
          <div>
            <dt>Acknowledged by</dt>
            <dd>{incident.acknowledged_by}</dd>
          </div>
        )}
      </dl>
    </li>
  );
}
