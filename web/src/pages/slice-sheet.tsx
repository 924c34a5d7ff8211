/** One slice: its last hour, how fast it answers, which codes come, what is known of it. In the address as `slice`. */
import { useMemo } from "react";

import { useIncidents, useRoutes, useSeries } from "../api/queries";
import type { RouteRow, Series, Slice } from "../api/types";
import { Badge, Figure, Figures, To } from "../parts/basic";
import { Chart } from "../parts/chart";
import { Choice } from "../parts/choice";
import { Window } from "../parts/dialog";
import { Empty, Shown } from "../parts/states";
import { Table } from "../parts/table";
import { count, evidence, milliseconds, percent, points } from "../view/format";
import { gapOf } from "../view/heat";
import { useParam } from "../view/params";
import { fromText, inWords, touches } from "../view/slice";
import { causeName } from "../view/words";
import { Behaviour } from "./behaviour";

export function SliceSheet() {
  const [text, setText] = useParam("slice");
  const slice = text === "" ? null : fromText(text);
  return (
    <Window isSheet open={text !== ""} onClose={() => setText("")} title={slice === null ? "No such slice" : inWords(slice)}>
      {slice === null ? <Empty title="The address names no slice">It should read like gateway:payu,issuer:HDFC.</Empty> : <Content slice={slice} text={text} />}
    </Window>
  );
}

const STEP_WORDS: Record<string, string> = { "60s": "minute", "5m": "5 min", "15m": "15 min" };
const STEPS: Record<string, { step: string; ms: number }> = {
  "1h": { step: "60s", ms: 3_600_000 },
  "6h": { step: "5m", ms: 6 * 3_600_000 },
  "24h": { step: "15m", ms: 24 * 3_600_000 },
};

function Content({ slice, text }: { slice: Slice; text: string }) {
  const [length, setLength] = useParam("length", "1h");
  const { step, ms } = STEPS[length] ?? { step: "60s", ms: 3_600_000 };
  const by = Object.keys(slice).join(",");
  const routes = useRoutes(by);
  const row = routes.data?.data.find((r) => Object.entries(slice).every(([name, value]) => r.slice[name] === value));
  const asOf = routes.data?.as_of ?? null;
  // Whole minutes, so that the question stays the same for a minute.
  const to = asOf === null ? null : Math.ceil(Date.parse(asOf) / 60_000) * 60_000;
  return (
    <>
      <Now row={row} />
      <Choice label="How far back" value={length} onChange={setLength} options={Object.keys(STEPS).map((value) => ({ value, name: value }))} />
      {to !== null && <Past text={text} step={step} from={to - ms} to={to} baseline={row?.baseline_rate ?? null} />}
      <Errors row={row} />
      <Behaviour slice={text} />
      <Known slice={slice} />
    </>
  );
}

function Now({ row }: { row: RouteRow | undefined }) {
  if (row === undefined) return <Empty title="No attempts in the last minute" />;
  return (
    <Figures>
      <Figure label="Success rate" value={percent(row.success_rate)} note={row.baseline_rate == null ? "not learnt yet" : `${percent(row.baseline_rate)} expected, ${points(gapOf(row))}`} />
      <Figure label="Attempts, last minute" value={count(row.attempts)} note={`detector ${evidence(row.e_value)}`} />
      <Figure label="Latency p95" value={milliseconds(row.latency_ms.p95)} note={`p50 ${milliseconds(row.latency_ms.p50)}, p99 ${milliseconds(row.latency_ms.p99)}`} />
    </Figures>
  );
}

function Past({ text, step, from, to, baseline }: { text: string; step: string; from: number; to: number; baseline: number | null }) {
  const series = useSeries({ slice: text, step, from: new Date(from).toISOString(), to: new Date(to).toISOString() });
  return <Shown query={series}>{(told) => <Rates told={told} baseline={baseline} />}</Shown>;
}

function Rates({ told, baseline }: { told: Series; baseline: number | null }) {
  const { times, rates, volumes, latencies, expected } = useMemo(
    () => ({
      times: told.data.map((p) => Date.parse(p.at)),
      rates: told.data.map((p) => p.success_rate ?? null),
      volumes: told.data.map((p) => p.attempts),
      latencies: told.data.map((p) => p.latency_ms ?? null),
      expected: told.data.map(() => baseline),
    }),
    [told, baseline],
  );
  if (times.length === 0) return <Empty title="No attempts in this time" />;
  return (
    <>
      <Chart
        label="Success rate over time"
        times={times}
        lines={[
          { name: "success rate", values: rates, colour: "--line-observed" },
          ...(baseline === null ? [] : [{ name: "expected now", values: expected, colour: "--line-expected", dash: [6, 4], width: 1.5 }]),
        ]}
        format={percent}
        range={[0, 1]}
        height={200}
      />
      <Chart label="Attempts over time" times={times} lines={[{ name: `attempts per ${STEP_WORDS[told.step] ?? told.step}`, values: volumes, colour: "--line-observed" }]} format={count} height={110} />
      <Chart label="Mean latency over time" times={times} lines={[{ name: "mean latency", values: latencies, colour: "--line-treatment" }]} format={milliseconds} height={110} />
    </>
  );
}

function Errors({ row }: { row: RouteRow | undefined }) {
  if (row === undefined) return null;
  return (
    <>
      <h3>Codes of the last minute</h3>
      <Table
        label="Codes"
        rows={row.errors}
        rowKey={(e) => `${e.source}/${e.value}`}
        empty="No failures with a code"
        columns={[
          { name: "Code", cell: (e) => `${e.source}/${e.value}` },
          { name: "Count", cell: (e) => count(e.count), isNumber: true },
          { name: "Of attempts", cell: (e) => percent(e.count / row.attempts), isNumber: true },
        ]}
      />
    </>
  );
}

function Known({ slice }: { slice: Slice }) {
  const incidents = useIncidents({ limit: 50 });
  const touching = (incidents.data?.data ?? []).filter((incident) => touches(incident.slice, slice)).slice(0, 8);
  return (
    <>
      <h3>Incidents that touch it</h3>
      {touching.length === 0 ? (
        <p className="note">None so far.</p>
      ) : (
        <ul className="list">
          {touching.map((incident) => (
            <li key={incident.id} className="facts">
              <Badge state={incident.status} />
              <To href={`/incidents/${incident.id}`}>{inWords(incident.slice)}</To>
              <span className="note">{causeName(incident.cause)}</span>
            </li>
          ))}
        </ul>
      )}
    </>
  );
}
