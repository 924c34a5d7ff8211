/** One incident: the slice in words, what was seen, why we think so, what is done about it, and how to undo that. */
import { useMemo } from "react";

import { useAcknowledge } from "../api/commands";
import { useDecisions, useIncident, useInterventions, useSeries } from "../api/queries";
import type { Incident, Intervention } from "../api/types";
import { At, Badge, Button, Figure, Figures, Page, Panel, SliceChips, To } from "../parts/basic";
import { Chart, type Mark } from "../parts/chart";
import { Choice } from "../parts/choice";
import { Empty, Loading, Shown } from "../parts/states";
import { Table } from "../parts/table";
import { useRefused } from "../shell/may";
import { confidence, count, money, percent, rough, share, span, SURE } from "../view/format";
import { useNow } from "../view/now";
import { useParam } from "../view/params";
import { asText, dimensionName, inWords, valueName } from "../view/slice";
import { headAndRest, sums } from "../view/sums";
import { course, spanOf } from "../view/timeline";
import { capital, causeName, signalName } from "../view/words";
import { Cycle } from "./cycle";
import { Doing } from "./doing";

export default function OneIncident({ id }: { id: string }) {
  const incident = useIncident(id);
  if (incident.data !== undefined) return <Told incident={incident.data} />;
  return (
    <Page title={`Incident ${id}`}>
      <Shown query={incident} rows={8}>
        {() => null}
      </Shown>
    </Page>
  );
}

function Told({ incident }: { incident: Incident }) {
  const interventions = useInterventions({ limit: 100 });
  const own = (interventions.data?.data ?? []).filter((one) => one.incident_id === incident.id);
  return (
    <Page
      title={inWords(incident.slice)}
      lead={<Sentence incident={incident} />}
      tools={
        <>
          <Badge state={incident.status} />
          <Acknowledge incident={incident} />
        </>
      }
    >
      <Cost incident={incident} />
      <Panel title="Observed against expected">
        <Timeline incident={incident} interventions={own} />
      </Panel>
      <Panel title="What is being done">
        {own.length === 0 ? <Nothing incident={incident} /> : own.map((one) => <Doing key={one.id} intervention={one} />)}
      </Panel>
      <div className="columns">
        <Panel title="Evidence">
          <Evidence incident={incident} />
        </Panel>
        <Panel title="Other causes considered">
          <Alternatives incident={incident} />
        </Panel>
      </div>
      <Breakdown incident={incident} />
      <Panel title="What was decided">
        <Said incident={incident} />
      </Panel>
    </Page>
  );
}

function Sentence({ incident }: { incident: Incident }) {
  const now = useNow();
  const end = incident.resolved_at == null ? now : Date.parse(incident.resolved_at);
  return (
    <>
      {causeName(incident.cause)} (confidence {confidence(incident.confidence)}): {signalName(incident.signal)} {percent(incident.observed_rate)} where{" "}
      {percent(incident.baseline_rate)} is expected. Began <At time={incident.started_at} />, found {span(Date.parse(incident.detected_at) - Date.parse(incident.started_at))} later,{" "}
      {incident.resolved_at == null ? "going on for" : "lasted"} {span(end - Date.parse(incident.started_at))}.
      {incident.resolution != null && ` ${incident.resolution}.`}
      {incident.aliases.length > 0 && ` The same attempts are also: ${incident.aliases.map(inWords).join("; ")}.`}
    </>
  );
}

function Acknowledge({ incident }: { incident: Incident }) {
  const acknowledge = useAcknowledge();
  const refused = useRefused("operator");
  if (incident.acknowledged_by != null) {
    return (
      <span className="note">
        Acknowledged by {incident.acknowledged_by}, <At time={incident.acknowledged_at} />
      </span>
    );
  }
  return (
    <>
      {acknowledge.isError && <span className="error">{acknowledge.error.message}</span>}
      <Button aria-disabled={refused !== null} title={refused ?? undefined} onClick={() => refused === null && acknowledge.mutate(incident.id)}>
        Acknowledge
      </Button>
    </>
  );
}

function Cost({ incident }: { incident: Incident }) {
  const { impact } = incident;
  const isOver = incident.resolved_at != null;
  const first = impact.lost[0];
  const others = headAndRest(sums([incident], (lost) => lost.minor)).rest;
  const perMinute = headAndRest(sums([incident], (lost) => lost.minor_per_minute)).rest;
  return (
    <Figures>
      <Figure label={capital(signalName(incident.signal))} value={percent(incident.observed_rate)} note={`${SURE} ${percent(incident.observed_rate_low)} to ${percent(incident.observed_rate_high)}; ${percent(incident.baseline_rate)} expected`} looks={isOver ? "quiet" : "bad"} />
      <Figure label={isOver ? "Lost payments" : "Lost payments so far"} value={rough(impact.lost_payments)} note={`${rough(impact.lost_payments_low)} to ${rough(impact.lost_payments_high)}, of ${count(impact.attempts)} attempts`} />
      {first !== undefined && (
        <Figure
          label={isOver ? "Lost" : "Lost so far"}
          value={money(first.minor, first.currency)}
          note={
            <>
              {money(first.minor_low, first.currency)} to {money(first.minor_high, first.currency)}
              {others !== "" && `, ${others}`}
            </>
          }
        />
      )}
      {first !== undefined && !isOver && <Figure label="At risk per minute" value={money(first.minor_per_minute, first.currency)} note={perMinute} looks="bad" />}
      <Figure label="Of all traffic" value={share(impact.share)} note={<SliceChips slice={incident.slice} />} />
    </Figures>
  );
}

function Timeline({ incident, interventions }: { incident: Incident; interventions: Intervention[] }) {
  const { timeline, observed_rate_low: low, observed_rate_high: high, baseline_rate: baseline } = incident;
  const now = useNow();
  const asked = spanOf(Date.parse(incident.started_at), incident.resolved_at == null ? null : Date.parse(incident.resolved_at), now);
  const series = useSeries({ slice: asText(incident.slice), step: asked.step, from: new Date(asked.from).toISOString(), to: new Date(asked.to).toISOString() });
  const rollups = series.data?.data;
  const lines = useMemo(() => {
    const from = Date.parse(incident.started_at);
    const to = incident.resolved_at == null ? Infinity : Date.parse(incident.resolved_at);
    const { times, observed, expected } = course(timeline, rollups ?? [], baseline);
    const inside = times.map((at, i) => (times[i + 1] ?? at + 1) > from && at <= to);
    return {
      times,
      observed,
      expected,
      band: { low: inside.map((is) => (is ? low : null)), high: inside.map((is) => (is ? high : null)), colour: "--band-observed", name: `${SURE} of the incident's rate` },
    };
  }, [timeline, rollups, baseline, incident.started_at, incident.resolved_at, low, high]);
  const marks = useMemo<Mark[]>(() => {
    const acted = interventions.map((one) => one.started_at).filter((at) => at != null).sort()[0];
    return [
      { at: Date.parse(incident.started_at), name: "began" },
      { at: Date.parse(incident.detected_at), name: "found" },
      ...(acted === undefined ? [] : [{ at: Date.parse(acted), name: "acted" }]),
      ...(incident.resolved_at == null ? [] : [{ at: Date.parse(incident.resolved_at), name: "recovered" }]),
    ];
  }, [incident.started_at, incident.detected_at, incident.resolved_at, interventions]);
  if (lines.times.length === 0) return series.isPending ? <Loading rows={6} /> : <Empty title="No timeline yet" />;
  return (
    <Chart
      label={`Success rate of ${inWords(incident.slice)} against what was expected`}
      times={lines.times}
      lines={[
        { name: "observed", values: lines.observed, colour: "--line-observed" },
        { name: "expected", values: lines.expected, colour: "--line-expected", dash: [6, 4], width: 1.5 },
      ]}
      band={lines.band}
      marks={marks}
      format={percent}
      range={[0, 1]}
      height={260}
    />
  );
}

function Nothing({ incident }: { incident: Incident }) {
  const decisions = useDecisions({ limit: 200 });
  const last = decisions.data?.data.find((d) => d.incident_id === incident.id);
  return (
    <Empty title={last === undefined ? "Nothing is moved for this incident" : capital(last.proposed_action)}>
      {last === undefined ? "The cycle log says so if something is decided." : last.reason}
    </Empty>
  );
}

/** Each with its weight: how much likelier it makes the cause that is named. */
function Evidence({ incident }: { incident: Incident }) {
  const most = Math.max(1e-9, ...incident.evidence.map((e) => Math.abs(e.log_bayes_factor)));
  if (incident.evidence.length === 0) return <Empty title="None was told" />;
  return (
    <>
      <p className="note">The weight is the log Bayes factor: above 0 it speaks for the cause that is named, below 0 against it.</p>
      <ul className="weights">
        {incident.evidence.map((e, i) => (
          <li key={i}>
            <span className="weight">
              <b>
                {e.log_bayes_factor < 0 ? "−" : "+"}
                {Math.abs(e.log_bayes_factor).toFixed(2)}
              </b>
              <span className={`bar ${e.log_bayes_factor < 0 ? "bad" : ""}`} aria-hidden="true">
                <span style={{ width: `${(100 * Math.abs(e.log_bayes_factor)) / most}%` }} />
              </span>
            </span>
            <span>
              <span className="note">{e.kind.replaceAll("_", " ")}</span> {e.text}
            </span>
          </li>
        ))}
      </ul>
    </>
  );
}

function Alternatives({ incident }: { incident: Incident }) {
  return (
    <Table
      label="Other causes"
      rows={incident.alternatives}
      rowKey={(a) => `${a.cause} ${asText(a.slice)}`}
      empty="No other cause is credible"
      columns={[
        { name: "Cause", cell: (a) => causeName(a.cause) },
        { name: "Slice", cell: (a) => <SliceChips slice={a.slice} />, plain: (a) => asText(a.slice) },
        { name: "Probability", cell: (a) => confidence(a.confidence), isNumber: true },
      ]}
    />
  );
}

/** What is read at first; the others are one click away. */
const MOST = 10;

function Breakdown({ incident }: { incident: Incident }) {
  const [which, setWhich] = useParam("parts", "most");
  const all = Object.entries(incident.breakdown).flatMap(([dimension, parts]) => parts.map((part) => ({ dimension, ...part })));
  const hit = all.filter((part) => part.hit).sort((a, b) => b.lost_payments - a.lost_payments);
  const rows = which === "all" ? all : which === "hit" ? hit : hit.slice(0, MOST);
  const options = [
    ...(hit.length > MOST ? [{ value: "most", name: `${MOST} worst` }] : []),
    { value: hit.length > MOST ? "hit" : "most", name: `Hit ${hit.length}` },
    { value: "all", name: `All ${all.length}` },
  ];
  return (
    <Panel title="Where it hits" tools={all.length > 0 && <Choice label="Which parts" value={which} onChange={setWhich} options={options} />}>
      <Table
        label="Where it hits"
        rows={rows}
        rowKey={(r) => `${r.dimension} ${r.value}`}
        empty={all.length === 0 ? "No parts were told" : "No part stands out"}
        file={`${incident.id}-breakdown`}
        columns={[
          { name: "Part", cell: (r) => `${dimensionName(r.dimension)} ${valueName(r.value)}`, plain: (r) => `${r.dimension}:${r.value}` },
          { name: "Hit", cell: (r) => (r.hit ? "● hit" : "spared"), plain: (r) => (r.hit ? "yes" : "no") },
          { name: "Success", cell: (r) => percent(r.observed_rate), plain: (r) => r.observed_rate, isNumber: true },
          { name: "Expected", cell: (r) => percent(r.expected_rate), plain: (r) => r.expected_rate, isNumber: true },
          { name: "Attempts", cell: (r) => count(r.attempts), plain: (r) => r.attempts, isNumber: true },
          { name: "Lost payments", cell: (r) => rough(r.lost_payments), plain: (r) => r.lost_payments, isNumber: true },
        ]}
      />
    </Panel>
  );
}

function Said({ incident }: { incident: Incident }) {
  const decisions = useDecisions({ limit: 200 });
  const own = (decisions.data?.data ?? []).filter((d) => d.incident_id === incident.id);
  if (own.length === 0) return <Empty title={decisions.isPending ? "Asking…" : "No decision was told"} />;
  return (
    <ul className="list">
      {own.slice(0, 6).map((d) => (
        <li key={d.id}>
          <p className="note">
            <At time={d.at} /> · {d.id} · <To href={`/decisions?incident=${incident.id}`}>all of this incident</To>
          </p>
          <Cycle decision={d} />
        </li>
      ))}
    </ul>
  );
}
