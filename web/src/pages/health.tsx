/** Page 1: success by route, now against expected, worst first; a cell opens its slice. */
import { Fragment, useMemo, type CSSProperties } from "react";

import { useIncidents, useInterventions, useRecovered, useRoutes, useSettings } from "../api/queries";
import type { Incident, Intervention, RouteRow } from "../api/types";
import { At, Badge, Figure, Figures, Page, Panel, To } from "../parts/basic";
import { Choice, Select } from "../parts/choice";
import { Empty, Shown } from "../parts/states";
import { confidence, count, midnight, NONE, percent, perSecond, points, rough, share, span, SURE } from "../view/format";
import { heat, type Cell, type Heat } from "../view/heat";
import { useNow } from "../view/now";
import { useParam } from "../view/params";
import { asText, dimensionName, inWords, valueName } from "../view/slice";
import { headAndRest, sums } from "../view/sums";
import { actionName, capital, causeName, signalName } from "../view/words";
import { SliceSheet } from "./slice-sheet";

export const DIMENSIONS = ["gateway", "issuer", "network", "method", "country", "merchant_id"];

export function Health() {
  const [down, setDown] = useParam("down", "gateway");
  const [across, setAcross] = useParam("across", "issuer");
  const [show, setShow] = useParam("show", "all");
  const [, setSlice] = useParam("slice");
  const routes = useRoutes(`${down},${across}`);
  const wholes = useRoutes(down);
  return (
    <Page title="Network health" lead="Success rate of the last minute against what is expected there at this hour, the costliest routes first.">
      <Totals />
      <OpenIncidents />
      <Panel
        title="Routes"
        tools={
          <>
            <Select label="Down" value={down} onChange={setDown} options={named(DIMENSIONS.filter((d) => d !== across))} />
            <Select label="Across" value={across} onChange={setAcross} options={named(DIMENSIONS.filter((d) => d !== down))} />
            <Choice label="Which rows" value={show} onChange={setShow} options={[{ value: "all", name: "All" }, { value: "worse", name: "Worse than expected" }]} />
          </>
        }
      >
        <Shown query={routes} rows={6}>
          {(told) => <HeatMap {...{ down, across }} data={told.data} wholes={wholes.data?.data ?? NO_ROWS} isOnlyWorse={show === "worse"} onOpen={setSlice} />}
        </Shown>
      </Panel>
      <SliceSheet />
    </Page>
  );
}

const named = (values: string[]) => values.map((value) => ({ value, name: dimensionName(value) }));

function Totals() {
  const routes = useRoutes("gateway");
  const open = useIncidents({ status: "open", limit: 100 });
  const active = useInterventions({ status: "active", limit: 100 });
  const settings = useSettings();
  const now = useNow();
  const today = useRecovered(midnight(now)).data;
  const data = routes.data?.data ?? [];
  const attempts = data.reduce((sum, row) => sum + row.attempts, 0);
  const window = Number.parseInt(routes.data?.window ?? "60", 10);
  const overall = weighted(data, (row) => row.success_rate);
  const expected = weighted(data, (row) => row.baseline_rate);
  const incidents = open.data?.data ?? [];
  const risk = headAndRest(sums(incidents, (lost) => lost.minor_per_minute));
  const asOf = routes.data?.as_of;
  return (
    <Figures>
      <Figure label="Attempts per second" value={attempts === 0 ? NONE : perSecond(attempts / window)} note={asOf == null ? "no attempts yet" : `${rough(attempts)} in ${span(window * 1_000)}, judged ${span(Math.max(0, now - Date.parse(asOf)))} ago`} />
      <Figure
        label="Success rate"
        value={percent(overall)}
        note={expected === null ? "what is expected isn't known yet" : `${percent(expected)} expected`}
        {...(overall !== null && expected !== null && overall < expected - 0.05 ? { looks: "bad" as const } : {})}
      />
      <Figure label="Money at risk per minute" value={incidents.length === 0 ? "None" : (risk.head ?? NONE)} note={[risk.rest, `${incidents.length} open ${incidents.length === 1 ? "incident" : "incidents"}`].filter((part) => part !== "").join("; ")} {...(incidents.length > 0 ? { looks: "bad" as const } : {})} />
      <Figure
        label="Recovered today"
        value={today === undefined ? NONE : `${rough(today.payments)} ${Math.round(today.payments) === 1 ? "payment" : "payments"}`}
        note={today === undefined || today.experiments === 0 ? "nothing was moved" : `${SURE} ${rough(today.payments_low)} to ${rough(today.payments_high)}, of ${count(today.moved)} moved`}
      />
      <Figure label="In force now" value={String(active.data?.data.length ?? NONE)} note={settings.data === undefined ? undefined : <To href="/actions">reroutes: {settings.data.value.modes["reroute"]}</To>} />
    </Figures>
  );
}

function weighted(rows: RouteRow[], rate: (row: RouteRow) => number | null | undefined): number | null {
  let sum = 0;
  let attempts = 0;
  for (const row of rows) {
    const value = rate(row);
    if (value == null) continue;
    sum += value * row.attempts;
    attempts += row.attempts;
  }
  return attempts === 0 ? null : sum / attempts;
}

function OpenIncidents() {
  const open = useIncidents({ status: "open", limit: 5 });
  const interventions = useInterventions({ limit: 100 });
  const incidents = open.data?.data ?? [];
  if (incidents.length === 0) return null;
  return (
    <Panel title="Failing now" className="failing">
      <ul>
        {incidents.map((incident) => (
          <Failing key={incident.id} incident={incident} doing={(interventions.data?.data ?? []).filter((one) => one.incident_id === incident.id && (one.state === "active" || one.state === "pending"))} />
        ))}
      </ul>
    </Panel>
  );
}

/** What, how badly, what it costs, why, and who does what about it. */
function Failing({ incident, doing }: { incident: Incident; doing: Intervention[] }) {
  const now = useNow();
  const cost = headAndRest(sums([incident], (lost) => lost.minor_per_minute));
  return (
    <li>
      <span className="what">
        <Badge state={incident.status} /> <To href={`/incidents/${incident.id}`}>{inWords(incident.slice)}</To>
        <span className="note">
          since <At time={incident.started_at} />, {span(now - Date.parse(incident.started_at))}
        </span>
      </span>
      <span>
        <b>{percent(incident.observed_rate)}</b>
        <span className="note">{incident.signal !== "success_rate" && `${signalName(incident.signal)}; `}{percent(incident.baseline_rate)} expected</span>
      </span>
      <span>
        <b>{cost.head ?? NONE}</b>
        <span className="note">a minute {cost.rest}</span>
      </span>
      <span>
        {causeName(incident.cause)}
        <span className="note">confidence {confidence(incident.confidence)}</span>
      </span>
      <span>
        {doing.length === 0 ? (
          <>
            Nothing is moved
            <span className="note">{incident.acknowledged_by == null ? "not acknowledged" : `acknowledged by ${incident.acknowledged_by}`}</span>
          </>
        ) : (
          doing.slice(0, 2).map((one) => (
            <span key={one.id}>
              <To href={`/actions/${one.id}`}>{one.from == null || one.action !== "reroute" ? actionName(one.action) : `${share(one.stage)} led away`}</To>{" "}
              <span className="note">{one.state === "pending" ? "waits for approval" : `by ${one.authority === "pilot" ? "the operator" : one.authority}`}</span>
            </span>
          ))
        )}
      </span>
    </li>
  );
}

const NO_ROWS: RouteRow[] = [];

type MapProps = { data: RouteRow[]; wholes: RouteRow[]; down: string; across: string; isOnlyWorse: boolean; onOpen: (slice: string) => void };

function HeatMap({ data, wholes, down, across, isOnlyWorse, onOpen }: MapProps) {
  const open = useIncidents({ status: "open", limit: 100 }).data?.data;
  const told = useMemo<Heat>(() => heat(data, down, across, wholes, (open ?? []).map((incident) => incident.slice)), [data, down, across, wholes, open]);
  const rows = isOnlyWorse ? told.rows.filter((row) => row.failing || [row.whole, ...row.cells].some((cell) => (cell?.level ?? 0) > 0)) : told.rows;
  if (told.rows.length === 0) return <Empty title="No attempts in the last minute">They appear here as soon as a feed or POST /v1/events brings some.</Empty>;
  if (rows.length === 0) return <Empty title="Nothing is worse than expected" />;
  return (
    <>
      <div className="heat scroll" role="region" aria-label="Success rates by route" tabIndex={0}>
        <table style={{ "--columns": told.columns.length + 1 } as CSSProperties}>
          <thead>
            <tr>
              <th scope="col" className="row-name">
                {capital(dimensionName(down))}
              </th>
              <th scope="col">All</th>
              {told.columns.map((column) => (
                <th key={column} scope="col">
                  <Breakable text={valueName(column)} />
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <tr key={row.name}>
                <th scope="row" className="row-name">
                  <button type="button" onClick={() => onOpen(asText({ [down]: row.name }))}>
                    {row.failing && <span className="sign">● </span>}
                    {valueName(row.name)}
                    {row.failing && <span className="visually-hidden">, an incident is open</span>}
                  </button>
                </th>
                <td className="whole">{row.whole !== null && <HeatCell cell={row.whole} onOpen={onOpen} />}</td>
                {row.cells.map((cell, i) => (
                  <td key={told.columns[i]}>{cell !== null && <HeatCell cell={cell} onOpen={onOpen} />}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <Scale />
    </>
  );
}

/** Long names break after an underscore, and nowhere else if that does. */
function Breakable({ text }: { text: string }) {
  return text.split(/(?<=_)/).map((part, i) => (
    <Fragment key={i}>
      {i > 0 && <wbr />}
      {part}
    </Fragment>
  ));
}

function HeatCell({ cell, onOpen }: { cell: Cell; onOpen: (slice: string) => void }) {
  const { row, gap, level } = cell;
  const isFew = row.attempts < 20;
  const name = `${inWords(row.slice)}: ${percent(row.success_rate)} of ${attemptWords(row.attempts)}${gap === null ? "" : `, ${points(gap)} against expected`}`;
  return (
    <button type="button" className={`cell l${level} ${isFew ? "few" : ""}`} aria-label={name} title={name} onClick={() => onOpen(asText(row.slice))}>
      <strong>{percent(row.success_rate)}</strong>
      <span className="gap">
        {isFew ? `of ${count(row.attempts)}` : gap === null ? "not learnt yet" : `${level > 0 ? "▼ " : level < 0 ? "▲ " : ""}${points(gap)}`}
      </span>
    </button>
  );
}

const attemptWords = (n: number) => `${count(n)} ${n === 1 ? "attempt" : "attempts"}`;

const SCALE = [
  { level: "--heat-better", name: "more than 5 pt better" },
  { level: "--sunken", name: "as expected, or fewer than 20 attempts" },
  { level: "--heat-1", name: "▼ 5 to 10 pt worse" },
  { level: "--heat-2", name: "▼ 10 to 20" },
  { level: "--heat-3", name: "▼ 20 to 40" },
  { level: "--heat-4", name: "▼ more than 40" },
];

function Scale() {
  return (
    <div className="scale" aria-label="Colours" role="group">
      {SCALE.map(({ level, name }) => (
        <span key={level}>
          <span className="swatch" style={{ background: `var(${level})` }} aria-hidden="true" />
          {name}
        </span>
      ))}
    </div>
  );
}

