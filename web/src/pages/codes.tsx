/** The decline codes: what each means, where it rises, whether it may be retried. */
import { useRoutes } from "../api/queries";
import { useRecent } from "../live/live";
import { Badge, Panel } from "../parts/basic";
import { Choice, Select } from "../parts/choice";
import { Shown } from "../parts/states";
import { Table } from "../parts/table";
import { codes, type CodeRow } from "../view/codes";
import { count, NONE, percent } from "../view/format";
import { useParam } from "../view/params";
import { capital } from "../view/words";

const MAY: Record<string, string> = { soft: "yes, later or elsewhere", hard: "never unchanged", advice: "after what it asks for" };

/** Whose past is compared: so long ago the last minute shares nothing with it. */
const BEFORE_MS = 3 * 60_000;

export function Codes() {
  const routes = useRoutes("gateway");
  const moments = useRecent();
  const [gateway, setGateway] = useParam("gateway");
  const [words, setWords] = useParam("code");
  const [show, setShow] = useParam("codes", "all");
  return (
    <Panel title="Codes of the last minute, what rises first">
      <p className="note">
        A code rises at a gateway where it takes more than twice the share of attempts that it took there three minutes ago; while that isn&apos;t known yet, than it takes at the other gateways.
      </p>
      <Shown query={routes}>
        {({ data }) => {
          const newest = moments.at(-1)?.at ?? 0;
          const earlier = moments.findLast((moment) => moment.at <= newest - BEFORE_MS)?.routes.data ?? null;
          const all = codes(data, earlier);
          const isWanted = (r: CodeRow) =>
            (gateway === "" || r.gateway === gateway) && (show === "all" || r.rises) && (words === "" || `${r.source}/${r.value} ${r.meaning ?? ""}`.toLowerCase().includes(words.toLowerCase()));
          const names = [...new Set(data.map((row) => row.slice["gateway"] ?? ""))].sort();
          return (
            <>
              <div className="tools">
                <Select label="Gateway" value={gateway} onChange={setGateway} options={[{ value: "", name: "all" }, ...names.map((name) => ({ value: name, name }))]} />
                <label className="select">
                  <span>Code or meaning</span>
                  <input type="search" value={words} onChange={(e) => setWords(e.target.value)} placeholder="51, funds, timeout" />
                </label>
                <Choice
                  label="Which codes"
                  value={show}
                  onChange={setShow}
                  options={[
                    { value: "all", name: "All" },
                    { value: "rising", name: `Rising ${all.filter((r) => r.rises).length}` },
                  ]}
                />
              </div>
              <Table
                label="Codes"
                rows={all.filter(isWanted)}
                rowKey={(r) => `${r.gateway} ${r.source}/${r.value}`}
                empty={all.length === 0 ? "No failures in the last minute" : "No code is so"}
                columns={[
                  { name: "Code", cell: (r) => `${r.source}/${r.value}` },
                  { name: "Gateway", cell: (r) => r.gateway },
                  { name: "Meaning", cell: (r) => r.meaning ?? "not listed", plain: (r) => r.meaning },
                  { name: "Fault of", cell: (r) => capital(r.cause.replaceAll("_", " ")), plain: (r) => r.cause },
                  { name: "May be retried", cell: (r) => capital(MAY[r.retryable ?? ""] ?? NONE), plain: (r) => r.retryable },
                  { name: "Count", cell: (r) => count(r.count), plain: (r) => r.count, isNumber: true },
                  { name: "Of attempts", cell: (r) => <b>{percent(r.part)}</b>, plain: (r) => r.part, isNumber: true },
                  { name: "3 min ago", cell: (r) => percent(r.before), plain: (r) => r.before, isNumber: true },
                  { name: "Other gateways", cell: (r) => percent(r.elsewhere), plain: (r) => r.elsewhere, isNumber: true },
                  { name: "Rises", cell: (r) => (r.rises ? <Badge state="mitigated">rises</Badge> : ""), plain: (r) => (r.rises ? "yes" : "no") },
                ]}
              />
            </>
          );
        }}
      </Shown>
    </Panel>
  );
}
