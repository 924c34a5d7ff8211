/** What is believed of each route, and how that moved; the route that is chosen is in the address as `belief`. */
import { useMemo } from "react";

import type { Belief } from "../../api/types";
import { At, Panel, SliceChips, To } from "../../parts/basic";
import { Chart } from "../../parts/chart";
import { Empty } from "../../parts/states";
import { Table } from "../../parts/table";
import { moveWords, pathOf, sparkline } from "../../view/belief";
import { confidence, count } from "../../view/format";
import { useNow } from "../../view/now";
import { useParam } from "../../view/params";
import { asText } from "../../view/slice";

const WIDTH = 96;
const HEIGHT = 24;
/** The line moves on by so much time. */
const STEP_MS = 10_000;

export function Beliefs({ beliefs }: { beliefs: Record<string, Belief> }) {
  const [chosen, choose] = useParam("belief");
  const now = Math.floor(useNow() / STEP_MS) * STEP_MS;
  const known = beliefs[chosen];
  return (
    <>
      <Panel title="Beliefs">
        <p className="note">How credible trouble of a route&apos;s own is. Each incident there adds to it; in between it halves every week.</p>
        <Table
          label="Beliefs per route"
          rows={Object.entries(beliefs)
            .map(([key, belief]) => ({ key, ...belief }))
            .sort((a, b) => b.confidence - a.confidence)}
          rowKey={(b) => b.key}
          empty={<Empty title="No beliefs yet">The first incident leaves one per route.</Empty>}
          file="beliefs"
          columns={[
            {
              name: "Route",
              cell: (b) => (
                <button type="button" className="link" aria-pressed={b.key === chosen} onClick={() => choose(b.key === chosen ? "" : b.key)}>
                  {b.key}
                </button>
              ),
              plain: (b) => b.key,
            },
            {
              name: "Trouble of its own is credible",
              cell: (b) => (
                <span className="weight">
                  {confidence(b.confidence)}
                  <span className="bar" aria-hidden="true">
                    <span style={{ width: `${100 * b.confidence}%` }} />
                  </span>
                </span>
              ),
              plain: (b) => b.confidence,
            },
            { name: "How it moved", cell: (b) => <Moved belief={b} now={now} />, plain: (b) => b.moves.map((m) => `${confidence(m.before)} > ${confidence(m.after)}`).join("; ") },
            { name: "Last incident's slice", cell: (b) => <SliceChips slice={b.slice} />, plain: (b) => asText(b.slice) },
            { name: "Seen", cell: (b) => count(b.times_seen), plain: (b) => b.times_seen, isNumber: true },
            { name: "Last", cell: (b) => <At time={b.last_seen} />, plain: (b) => b.last_seen },
          ]}
        />
      </Panel>
      {known !== undefined && <Way name={chosen} belief={known} now={now} />}
    </>
  );
}

function Moved({ belief, now }: { belief: Belief; now: number }) {
  const points = pathOf(belief, now);
  return (
    <svg className="sparkline" viewBox={`-2 -2 ${WIDTH + 4} ${HEIGHT + 4}`} width={WIDTH} height={HEIGHT} role="img" aria-label={moveWords(belief)}>
      <line x1={0} x2={WIDTH} y1={HEIGHT} y2={HEIGHT} />
      <polyline points={sparkline(points, WIDTH, HEIGHT)} />
    </svg>
  );
}

/** All that is kept of one belief. */
function Way({ name, belief, now }: { name: string; belief: Belief; now: number }) {
  const { times, values } = useMemo(() => {
    const points = pathOf(belief, now);
    return { times: points.map((p) => p.at), values: points.map((p) => p.confidence) };
  }, [belief, now]);
  const older = belief.times_seen - belief.moves.length;
  return (
    <Panel title={`How ${name} moved`}>
      <Chart label={`Belief in trouble of ${name} over time: ${moveWords(belief)}`} times={times} lines={[{ name: "credible", values, colour: "--line-observed" }]} format={confidence} range={[0, 1]} height={180} />
      <Table
        label={`Moves of ${name}`}
        rows={[...belief.moves].reverse()}
        rowKey={(m) => m.incident_id}
        empty={<Empty title="Its way isn't known">It was taken over from elsewhere.</Empty>}
        file={`belief-${name}`}
        columns={[
          { name: "Incident", cell: (m) => <To href={`/incidents/${m.incident_id}`}>{m.incident_id}</To>, plain: (m) => m.incident_id },
          { name: "Over", cell: (m) => (m.at == null ? "goes on" : <At time={m.at} />), plain: (m) => m.at },
          { name: "Before, faded", cell: (m) => confidence(m.before), plain: (m) => m.before, isNumber: true },
          { name: "After", cell: (m) => confidence(m.after), plain: (m) => m.after, isNumber: true },
        ]}
      />
      {older > 0 && belief.moves.length > 0 && <p className="note">{count(older)} older or moved to another route aren&apos;t kept one by one.</p>}
    </Panel>
  );
}
