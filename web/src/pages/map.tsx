/** Page 2: each route as a point, latency against success, with its trail; what is behind the one that is chosen. */
import { useIncidents, useRoutes } from "../api/queries";
import type { RouteRow } from "../api/types";
import { Page, Panel, To } from "../parts/basic";
import { Choice, Select } from "../parts/choice";
import { Empty, Shown } from "../parts/states";
import { Table } from "../parts/table";
import { count, milliseconds, percent, points } from "../view/format";
import { gapOf } from "../view/heat";
import { useParam } from "../view/params";
import { apart, place, scale, type Scale } from "../view/scatter";
import { asText, dimensionName, inWords, touches } from "../view/slice";
import { DIMENSIONS } from "./health";
import { Behaviour } from "./behaviour";
import { useTrails } from "./trails";
import { SliceSheet } from "./slice-sheet";

const BY = ["gateway", "gateway,method", "gateway,issuer", "gateway,network", "issuer", "method"].filter((by) => by.split(",").every((d) => DIMENSIONS.includes(d)));

export default function PerformanceMap() {
  const [by, setBy] = useParam("by", "gateway");
  const [quantile, setQuantile] = useParam("latency", "mean");
  const [chosen, setChosen] = useParam("route");
  const [, setSlice] = useParam("slice");
  const routes = useRoutes(by);
  return (
    <Page title="Performance map" lead="The better a route, the further up and left it stands. Size is volume, the trail its way over the last minutes.">
      <div className="map-layout">
        <Panel
          className="map"
          title="Routes"
          tools={
            <>
              <Select label="Routes are" value={by} onChange={setBy} options={BY.map((value) => ({ value, name: value.split(",").map(dimensionName).join(" and ") }))} />
              <Choice label="Latency" value={quantile} onChange={setQuantile} options={["mean", "p50", "p95", "p99"].map((value) => ({ value, name: value }))} />
            </>
          }
        >
          <Shown query={routes} rows={8}>
            {({ data }) => <Scatter rows={data} quantile={quantile as Quantile} chosen={chosen} onChoose={setChosen} isByGateway={by === "gateway"} />}
          </Shown>
        </Panel>
        <Shown query={routes}>{({ data }) => <Chosen row={data.find((row) => asText(row.slice) === chosen) ?? data[0]} onOpen={setSlice} />}</Shown>
        <Panel title="As a table" className="table">
          <Shown query={routes}>
            {({ data }) => (
              <Table
                label="Routes"
                rows={data}
                rowKey={(row) => asText(row.slice)}
                empty="No attempts in the last minute"
                file="routes"
                columns={[
                  { name: "Route", cell: (row) => <To href={`/map?by=${by}&slice=${encodeURIComponent(asText(row.slice))}`}>{inWords(row.slice)}</To>, plain: (row) => asText(row.slice) },
                  { name: "Attempts", cell: (row) => count(row.attempts), plain: (row) => row.attempts, isNumber: true },
                  { name: "Success", cell: (row) => percent(row.success_rate), plain: (row) => row.success_rate, isNumber: true },
                  { name: "Against expected", cell: (row) => points(gapOf(row)), plain: gapOf, isNumber: true },
                  { name: "mean", cell: (row) => milliseconds(row.latency_ms.mean), plain: (row) => row.latency_ms.mean, isNumber: true },
                  { name: "p50", cell: (row) => milliseconds(row.latency_ms.p50), plain: (row) => row.latency_ms.p50, isNumber: true },
                  { name: "p95", cell: (row) => milliseconds(row.latency_ms.p95), plain: (row) => row.latency_ms.p95, isNumber: true },
                  { name: "p99", cell: (row) => milliseconds(row.latency_ms.p99), plain: (row) => row.latency_ms.p99, isNumber: true },
                ]}
              />
            )}
          </Shown>
        </Panel>
      </div>
      <SliceSheet />
    </Page>
  );
}

type Quantile = "mean" | "p50" | "p95" | "p99";

const WIDTH = 720;
const HEIGHT = 400;
/** Of a route with fewer attempts the latency is chance. */
const BUSY_MIN = 20;
const FAR = 1.5;
const EDGE = { left: 56, right: 24, top: 16, bottom: 40 };
function Scatter({ rows, quantile, chosen, onChoose, isByGateway }: { rows: RouteRow[]; quantile: Quantile; chosen: string; onChoose: (route: string) => void; isByGateway: boolean }) {
  const open = useIncidents({ status: "open", limit: 100 });
  const failing = (open.data?.data ?? []).map((incident) => incident.slice);
  const trails = useTrails(rows, quantile, isByGateway);
  const shown = rows.filter((row) => row.success_rate != null && row.latency_ms[quantile] != null).slice(0, 60);
  if (shown.length === 0) return <Empty title="No attempts in the last minute" />;
  const all = [...shown.map((row) => ({ x: row.latency_ms[quantile] ?? 0, y: row.success_rate ?? 0 })), ...[...trails.values()].flat()];
  const isBad = (row: RouteRow) => failing.some((slice) => touches(slice, row.slice) && Object.keys(slice).some((d) => row.slice[d] !== undefined));
  // A route that fails by timeouts would press all others into a corner: what is far beyond them stands at the edge.
  const busy = shown.filter((row) => row.attempts >= BUSY_MIN || shown.length === 1);
  const well = busy.filter((row) => !isBad(row));
  const usual = Math.max(...(well.length > 0 ? well : busy).map((row) => row.latency_ms[quantile] ?? 0), 0);
  const beyond = usual > 0 ? FAR * usual : Infinity;
  const x = scale(all.map((p) => Math.min(p.x, beyond)), 0);
  const y = scale(all.map((p) => p.y), null, 1);
  const at = (px: number, py: number) => ({ cx: place(x, Math.min(px, x.high), EDGE.left, WIDTH - EDGE.right), cy: place(y, py, HEIGHT - EDGE.bottom, EDGE.top) });
  const most = Math.max(...shown.map((row) => row.attempts));
  const points = shown.map((row) => {
    const { cx, cy } = at(row.latency_ms[quantile] ?? 0, row.success_rate ?? 0);
    const r = 5 + 15 * Math.sqrt(row.attempts / most);
    const isLeft = cx > WIDTH - 150;
    const name = Object.values(row.slice).join(" ");
    const width = 7.5 * name.length + 14;
    return { row, cx, cy, r, isLeft, name, x: isLeft ? cx - r - 4 - width : cx + r + 4, y: cy + 4, width };
  });
  const heights = apart(points, 14);
  return (
    <div className="scroll" role="region" aria-label="Map of routes" tabIndex={0}>
    <svg className="scatter" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="group" aria-label="Routes by latency and success rate">
      <Axes x={x} y={y} quantile={quantile} />
      {points.map(({ row, cx, cy, r, isLeft, name, x, width }, i) => {
        const key = asText(row.slice);
        const fails = isBad(row);
        const trail = trails.get(key) ?? [];
        return (
          <g key={key} className={key === chosen ? "chosen" : ""}>
            {trail.length > 0 && <polyline className="trail" points={[...trail.map((p) => at(p.x, p.y)), { cx, cy }].map((p) => `${p.cx},${p.cy}`).join(" ")} />}
            {trail.map((p, step) => {
              const dot = at(p.x, p.y);
              return <circle key={step} className="trail-dot" cx={dot.cx} cy={dot.cy} r={2.2} style={{ opacity: 0.25 + (0.75 * (step + 1)) / trail.length }} />;
            })}
            <circle
              {...{ cx, cy, r }}
              className={`point ${fails ? "bad" : ""}`}
              tabIndex={0}
              role="button"
              aria-pressed={key === chosen}
              aria-label={`${inWords(row.slice)}: ${percent(row.success_rate)}, ${milliseconds(row.latency_ms[quantile])}, ${row.attempts} attempts${fails ? ", failing" : ""}`}
              onClick={() => onChoose(key)}
              onKeyDown={(event) => {
                if (event.key !== "Enter" && event.key !== " ") return;
                event.preventDefault();
                onChoose(key);
              }}
            />
            {shown.length <= 24 && (
              <text className="name" x={isLeft ? x + width : x} y={heights[i]} textAnchor={isLeft ? "end" : "start"} aria-hidden="true">
                {name}
                {fails ? " ●" : ""}
              </text>
            )}
          </g>
        );
      })}
    </svg>
    </div>
  );
}

function Axes({ x, y, quantile }: { x: Scale; y: Scale; quantile: Quantile }) {
  return (
    <g aria-hidden="true">
      {y.ticks.map((tick) => {
        const py = place(y, tick, HEIGHT - EDGE.bottom, EDGE.top);
        return (
          <g key={tick}>
            <line x1={EDGE.left} x2={WIDTH - EDGE.right} y1={py} y2={py} />
            <text x={EDGE.left - 8} y={py + 4} textAnchor="end">
              {percent(tick)}
            </text>
          </g>
        );
      })}
      {x.ticks.map((tick) => {
        const px = place(x, tick, EDGE.left, WIDTH - EDGE.right);
        return (
          <g key={tick}>
            <line x1={px} x2={px} y1={EDGE.top} y2={HEIGHT - EDGE.bottom} />
            <text x={px} y={HEIGHT - EDGE.bottom + 16} textAnchor="middle">
              {milliseconds(tick)}
            </text>
          </g>
        );
      })}
      <text x={WIDTH - EDGE.right} y={HEIGHT - 6} textAnchor="end">
        {quantile} latency →
      </text>
    </g>
  );
}

/** The rarer ones are under Routing. */
const CODES_MAX = 8;

function Chosen({ row, onOpen }: { row: RouteRow | undefined; onOpen: (slice: string) => void }) {
  if (row === undefined) return null;
  return (
    <Panel
      className="chosen-route"
      title={inWords(row.slice)}
      tools={
        <button type="button" className="button" onClick={() => onOpen(asText(row.slice))}>
          Its last hour
        </button>
      }
    >
      <dl className="pairs">
        <dt>Success</dt>
        <dd>
          {percent(row.success_rate)} <span className="note">{points(gapOf(row))} against expected</span>
        </dd>
        <dt>Attempts</dt>
        <dd>{count(row.attempts)} in the last minute</dd>
        <dt>Latency</dt>
        <dd>
          mean {milliseconds(row.latency_ms.mean)}, p50 {milliseconds(row.latency_ms.p50)}, p95 {milliseconds(row.latency_ms.p95)}, p99 {milliseconds(row.latency_ms.p99)}
        </dd>
      </dl>
      <h3>Why attempts fail</h3>
      <Table
        label="Codes"
        rows={row.errors.slice(0, CODES_MAX)}
        rowKey={(e) => `${e.source}/${e.value}`}
        empty="No failures with a code"
        columns={[
          { name: "Attempts", cell: (e) => percent(e.count / row.attempts), isNumber: true },
          {
            name: "Code",
            plain: (e) => `${e.source}/${e.value}`,
            cell: (e) => (
              <>
                {e.source}/{e.value} <span className="note">{e.meaning ?? "not listed"}</span>
              </>
            ),
          },
        ]}
      />
      <Behaviour slice={asText(row.slice)} />
    </Panel>
  );
}
