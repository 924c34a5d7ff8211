/** Who is told, what was told, and what is kept quiet. */
import { useState } from "react";

import { useEndSilence, useSilence, useTestChannel } from "../../api/commands";
import { useAlerts, useChannels, useSilences } from "../../api/queries";
import type { Alert, Delivery } from "../../api/types";
import { At, Badge, Button, Panel, SliceChips, To } from "../../parts/basic";
import { Select } from "../../parts/choice";
import { Confirm } from "../../parts/dialog";
import { Empty, Shown } from "../../parts/states";
import { Table } from "../../parts/table";
import { useRefused } from "../../shell/may";
import { span } from "../../view/format";
import { asText, fromText } from "../../view/slice";

export function Channels() {
  const channels = useChannels();
  const test = useTestChannel();
  const refused = useRefused("admin");
  return (
    <Panel title="Notification channels">
      <Shown query={channels}>
        {({ data }) => (
          <Table
            label="Channels"
            rows={data}
            rowKey={(c) => c.name}
            empty={<Empty title="None is configured">[channels.NAME] in pointsman.toml names them: Slack, PagerDuty, Alertmanager or a signed webhook.</Empty>}
            columns={[
              { name: "Channel", cell: (c) => c.name },
              { name: "Kind", cell: (c) => c.type },
              { name: "To", cell: (c) => <code>{c.url}</code>, plain: (c) => c.url },
              { name: "From severity", cell: (c) => c.severity_min },
              { name: "Escalates after", cell: (c) => (c.escalate_after_s == null ? "at once" : span(c.escalate_after_s * 1_000)) },
              { name: "Waiting", cell: (c) => c.waiting, isNumber: true },
              { name: "", cell: (c) => <Confirm name="Test" title={`Test ${c.name}`} effect={<p>A test alert is sent there now; what becomes of it is said below.</p>} does="Send" refused={refused} run={() => test.mutateAsync(c.name)} /> },
            ]}
          />
        )}
      </Shown>
    </Panel>
  );
}

const LENGTHS = [
  { value: "1", name: "1 h" },
  { value: "4", name: "4 h" },
  { value: "24", name: "24 h" },
];

export function Silences() {
  const silences = useSilences();
  const end = useEndSilence();
  const refused = useRefused("operator");
  return (
    <Panel title="Silences">
      <Shown query={silences}>
        {({ data }) => (
          <Table
            label="Silences"
            rows={data}
            rowKey={(s) => s.id}
            empty={<Empty title="Nothing is silenced">A silence keeps alerts of a slice from being sent; incidents are found, shown and acted on all the same.</Empty>}
            columns={[
              { name: "Slice", cell: (s) => <SliceChips slice={s.slice} />, plain: (s) => asText(s.slice) },
              { name: "Until", cell: (s) => <At time={s.until} />, plain: (s) => s.until },
              { name: "By", cell: (s) => s.by },
              { name: "Why", cell: (s) => s.reason },
              {
                name: "",
                cell: (s) => (s.active ? <Confirm name="End" title="End the silence" effect={<p>Alerts of this slice are sent again.</p>} does="End" refused={refused} run={() => end.mutateAsync(s.id)} /> : <Badge state="expired">over</Badge>),
              },
            ]}
          />
        )}
      </Shown>
      {refused === null && <NewSilence />}
    </Panel>
  );
}

function NewSilence() {
  const silence = useSilence();
  const [text, setText] = useState("");
  const [hours, setHours] = useState("1");
  const [reason, setReason] = useState("");
  const slice = fromText(text.trim());
  return (
    <form
      className="tools"
      onSubmit={(event) => {
        event.preventDefault();
        if (slice !== null) silence.mutate({ slice, until: new Date(Date.now() + Number(hours) * 3_600_000).toISOString(), reason }, { onSuccess: () => setText("") });
      }}
    >
      <label className="select">
        <span>Slice</span>
        <input value={text} required onChange={(e) => setText(e.target.value)} placeholder="gateway:PAYU,issuer:HDFC" />
      </label>
      <Select label="For" value={hours} onChange={setHours} options={LENGTHS} />
      <label className="select">
        <span>Why</span>
        <input value={reason} required maxLength={500} onChange={(e) => setReason(e.target.value)} placeholder="planned maintenance" />
      </label>
      <Button type="submit" disabled={slice === null || silence.isPending}>
        Silence
      </Button>
      {silence.isError && <span className="error">{silence.error.message}</span>}
    </form>
  );
}

const DELIVERED: Record<string, string> = { delivered: "completed", given_up: "rolled_back", waiting: "pending", repeating: "active" };

type Notice = { severity?: string; title?: string; incident_id?: string | null };

export function Alerts() {
  const alerts = useAlerts();
  return (
    <Panel title="What was told">
      <Shown query={alerts}>
        {({ data }) => (
          <Table
            label="Alerts"
            rows={data}
            rowKey={(a) => a.id}
            empty="Nobody had to be told anything yet"
            file="alerts"
            columns={[
              { name: "When", cell: (a) => <At time={a.at} />, plain: (a) => a.at },
              { name: "Severity", cell: (a) => noticeOf(a).severity ?? "–", plain: (a) => noticeOf(a).severity },
              { name: "What", cell: (a) => <What alert={a} />, plain: (a) => noticeOf(a).title, isWords: true },
              { name: "Kind", cell: (a) => a.kind, plain: (a) => a.kind },
              { name: "Deliveries", cell: (a) => (a.deliveries.length === 0 ? "no channel wanted it" : a.deliveries.map((d) => <Sent key={d.channel} delivery={d} />)), plain: (a) => a.deliveries.map((d) => `${d.channel} ${d.state}`).join("; ") },
            ]}
          />
        )}
      </Shown>
    </Panel>
  );
}

const noticeOf = (alert: Alert) => (alert.notice ?? {}) as Notice;

function What({ alert }: { alert: Alert }) {
  const { title, incident_id: id } = noticeOf(alert);
  if (alert.kind.startsWith("rollout.")) return <To href="/routing?tab=rollout">{title ?? alert.about}</To>;
  return id == null ? <>{title ?? alert.about}</> : <To href={`/incidents/${id}`}>{title ?? id}</To>;
}

function Sent({ delivery: d }: { delivery: Delivery }) {
  return (
    <div title={d.detail ?? undefined}>
      {d.channel} <Badge state={DELIVERED[d.state] ?? "expired"}>{d.state.replaceAll("_", " ")}</Badge> {d.tries > 1 && <span className="note">{d.tries} tries</span>}
    </div>
  );
}
