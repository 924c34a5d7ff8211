/** How sure the operator said it was, against how often it helped. */
import { useCalibration } from "../../api/queries";
import type { Calibration as Told } from "../../api/types";
import { Figure, Figures, Panel } from "../../parts/basic";
import { Empty, Shown } from "../../parts/states";
import { Table } from "../../parts/table";
import { fewWords, filled } from "../../view/calibration";
import { confidence, count, percent, share, SURE } from "../../view/format";

export function Calibration() {
  const calibration = useCalibration();
  return (
    <Panel title="How sure it says it is, and how often it helps">
      <Shown query={calibration} rows={4}>
        {(told) => (told.decided + told.undecided === 0 ? <Empty title="No plan has been tried and ended yet">Each experiment that ends adds a case; in shadow, each plan that is judged afterwards.</Empty> : <Curve told={told} />)}
      </Shown>
    </Panel>
  );
}

function Curve({ told }: { told: Told }) {
  const few = fewWords(told);
  return (
    <>
      <p className="note">
        A plan <b>helped</b> where its experiment showed that the moved payments do better (e ≥ the last step&apos;s limit), and <b>harmed</b> where it showed that they do worse. What ended before its test could tell, mostly because the outage was over, is
        undecided and in no rate. Plans that nobody was let follow are judged by what came of leaving them.
      </p>
      {few !== null && <p className="hint">{few}</p>}
      <Figures>
        <Figure label="Decided plans" value={count(told.decided)} note={`${count(told.helped)} helped, ${count(told.harmed)} harmed`} />
        <Figure label="Undecided" value={count(told.undecided)} note={told.in_hindsight > 0 ? `in no rate; ${count(told.in_hindsight)} of all judged in hindsight` : "in no rate"} />
        <Figure label="Calibration error" value={share(told.ece)} note={told.ece_undecided_harmed == null ? undefined : `${share(told.ece_undecided_harmed)} if no undecided plan had helped`} />
      </Figures>
      <div className="columns">
        <Drawing told={told} />
        <div className="with-csv">
          <Table
            label="Calibration"
            rows={filled(told)}
            rowKey={(bin) => String(bin.from)}
            empty="Nothing yet"
            file="calibration"
            columns={[
              { name: "Said", cell: (b) => `${confidence(b.from)} to ${confidence(b.to)}`, plain: (b) => b.from },
              { name: "Mean", cell: (b) => confidence(b.said), plain: (b) => b.said, isNumber: true },
              { name: "Helped", cell: (b) => `${count(b.helped)} of ${count(b.helped + b.harmed)}`, plain: (b) => b.helped, isNumber: true },
              { name: "That is", cell: (b) => percent(b.rate), plain: (b) => b.rate, isNumber: true },
              { name: `${SURE} interval`, cell: (b) => (b.rate_low == null ? "" : `${percent(b.rate_low)} to ${percent(b.rate_high)}`) },
              { name: "Undecided", cell: (b) => count(b.undecided), plain: (b) => b.undecided, isNumber: true },
            ]}
          />
        </div>
      </div>
    </>
  );
}

const SIZE = 280;
const EDGE = { left: 44, right: 12, top: 12, bottom: 40 };
const TICKS = [0, 0.25, 0.5, 0.75, 1];
const x = (value: number) => EDGE.left + value * (SIZE - EDGE.left - EDGE.right);
const y = (value: number) => SIZE - EDGE.bottom - value * (SIZE - EDGE.top - EDGE.bottom);

function Drawing({ told }: { told: Told }) {
  const bins = told.bins.filter((bin) => bin.rate != null);
  const words = bins.map((bin) => `said ${confidence(bin.said)}, helped ${percent(bin.rate)} of ${bin.helped + bin.harmed}`);
  const most = Math.max(1, ...bins.map((bin) => bin.helped + bin.harmed));
  return (
    <svg className="calibration" viewBox={`0 0 ${SIZE} ${SIZE}`} role="img" aria-label={`Calibration curve: ${words.length === 0 ? "no plan is decided" : words.join("; ")}`}>
      {TICKS.map((tick) => (
        <g key={tick}>
          <line className="grid" x1={x(0)} x2={x(1)} y1={y(tick)} y2={y(tick)} />
          <line className="grid" x1={x(tick)} x2={x(tick)} y1={y(0)} y2={y(1)} />
          <text x={EDGE.left - 6} y={y(tick) + 4} textAnchor="end">
            {share(tick)}
          </text>
          <text x={x(tick)} y={SIZE - EDGE.bottom + 16} textAnchor="middle">
            {tick}
          </text>
        </g>
      ))}
      <text x={x(1)} y={SIZE - 6} textAnchor="end">
        confidence said →
      </text>
      <text x={x(0) + 4} y={y(1) + 12}>
        ↑ helped
      </text>
      <line className="ideal" x1={x(0)} x2={x(1)} y1={y(0)} y2={y(1)} />
      {bins.map((bin) => (
        <g key={bin.from}>
          <line className="interval" x1={x(bin.said ?? 0)} x2={x(bin.said ?? 0)} y1={y(bin.rate_low ?? 0)} y2={y(bin.rate_high ?? 1)} />
          <circle cx={x(bin.said ?? 0)} cy={y(bin.rate ?? 0)} r={3 + 4 * Math.sqrt((bin.helped + bin.harmed) / most)} />
        </g>
      ))}
    </svg>
  );
}
