/** One payment: its attempts in order, and behind each the choice that led it there. */
import { useQuery } from "@tanstack/react-query";

import { api, told } from "../api/client";
import { usePayment } from "../api/queries";
import { At, Badge, Panel, To } from "../parts/basic";
import { Empty, Shown } from "../parts/states";
import { Table } from "../parts/table";
import { count, milliseconds, money, NONE, percent } from "../view/format";
import { useParam } from "../view/params";
import { capital } from "../view/words";

type Attempt = {
  occurred_at: string;
  attempt_id: string;
  attempt_number?: number;
  gateway: string;
  status: string;
  code?: { source: string; value: string } | null;
  latency_ms?: number | null;
  amount?: { minor: number; currency: string };
  decision_id?: string | null;
};

const OUTCOMES: Record<string, string> = { approved: "completed", declined: "rolled_back", error: "rolled_back", timeout: "pending", unknown: "pending" };

const codeOf = (a: Attempt) => (a.code == null ? null : `${a.code.source}/${a.code.value}`);

export function Payment() {
  const [id, setId] = useParam("payment");
  const payment = usePayment(id);
  return (
    <Panel title="One payment">
      <label className="select">
        <span>Payment id</span>
        <input type="search" value={id} onChange={(e) => setId(e.target.value.trim())} placeholder="as in payment_id" />
      </label>
      {id === "" ? (
        <Empty title="Which payment?">Its attempts and decisions appear in order.</Empty>
      ) : (
        <Shown query={payment}>
          {(one) => {
            const attempts = one.attempts as Attempt[];
            return (
              <>
                <Table
                  label="Attempts"
                  rows={attempts}
                  rowKey={(a) => a.attempt_id}
                  empty="No attempts"
                  file={`payment-${id}`}
                  columns={[
                    { name: "No.", cell: (a) => a.attempt_number ?? NONE, isNumber: true },
                    { name: "When", cell: (a) => <At time={a.occurred_at} />, plain: (a) => a.occurred_at },
                    { name: "Gateway", cell: (a) => a.gateway },
                    { name: "Outcome", cell: (a) => <Badge state={OUTCOMES[a.status] ?? "expired"}>{a.status}</Badge>, plain: (a) => a.status },
                    { name: "Code", cell: (a) => codeOf(a) ?? NONE, plain: codeOf },
                    { name: "Latency", cell: (a) => milliseconds(a.latency_ms), plain: (a) => a.latency_ms, isNumber: true },
                    { name: "Amount", cell: (a) => (a.amount === undefined ? NONE : money(a.amount.minor, a.amount.currency)), plain: (a) => a.amount?.minor, isNumber: true },
                    { name: "Decision", cell: (a) => (a.decision_id == null ? "not ours" : <code>{a.decision_id.slice(0, 14)}…</code>), plain: (a) => a.decision_id },
                  ]}
                />
                {attempts.map((a) => (a.decision_id == null ? null : <Chosen key={a.attempt_id} attempt={a} decisionId={a.decision_id} />))}
              </>
            );
          }}
        </Shown>
      )}
    </Panel>
  );
}

type Term = { gateway: string; success_rate: number; evidence: number; fee_share: number; score: number; propensity: number };

type Choice = { at: string; gateway: string; propensity: number; reason: string; policy_version: number; intervention_id: string | null; arm: string | null; terms: Term[] };

const REASONS: Record<string, string> = {
  learned: "by what it has learnt of the candidates",
  experiment: "as an arm of an experiment",
  overlay: "because an action leads this slice elsewhere",
  fallback: "in the order that the caller gave",
};

/** With every term of its score: what was known of each candidate, and how probable each was. */
function Chosen({ attempt, decisionId }: { attempt: Attempt; decisionId: string }) {
  const choice = useQuery({
    queryKey: ["choice", decisionId],
    queryFn: () => told(api.GET("/v1/route/decisions/{decision_id}", { params: { path: { decision_id: decisionId } } })) as Promise<Choice>,
    staleTime: Infinity,
    retry: 1,
  });
  return (
    <section aria-label={`Why ${attempt.gateway} for attempt ${String(attempt.attempt_number ?? "")}`}>
      <h3>
        Why {attempt.gateway} for attempt {attempt.attempt_number ?? ""}
      </h3>
      <Shown query={choice} rows={3}>
        {(c) => (
          <>
            <p>
              Chosen at <At time={c.at} />, {REASONS[c.reason] ?? capital(c.reason.replaceAll("_", " "))}, with probability {percent(c.propensity)}; policy version {count(c.policy_version)}.
              {c.intervention_id != null && (
                <>
                  {" "}
                  Under <To href={`/actions/${c.intervention_id}`}>{c.intervention_id}</To>
                  {c.arm != null && `, arm ${c.arm}`}.
                </>
              )}
            </p>
            <Table
              label={`Candidates of attempt ${String(attempt.attempt_number ?? "")}`}
              rows={c.terms}
              rowKey={(t) => t.gateway}
              empty="Its terms aren't kept"
              columns={[
                { name: "Candidate", cell: (t) => (t.gateway === c.gateway ? <b>{t.gateway} ✓</b> : t.gateway), plain: (t) => t.gateway },
                { name: "Success believed", cell: (t) => percent(t.success_rate), plain: (t) => t.success_rate, isNumber: true },
                { name: "From so many attempts", cell: (t) => count(t.evidence), plain: (t) => t.evidence, isNumber: true },
                { name: "Fee", cell: (t) => percent(t.fee_share), plain: (t) => t.fee_share, isNumber: true },
                { name: "Score", cell: (t) => t.score.toFixed(3), plain: (t) => t.score, isNumber: true },
                { name: "Probability", cell: (t) => percent(t.propensity), plain: (t) => t.propensity, isNumber: true },
              ]}
            />
          </>
        )}
      </Shown>
    </section>
  );
}
