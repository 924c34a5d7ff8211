/** Page 7: shares and success by gateway over time, what codes mean and where they rise, a policy's roll-out, one payment's timeline. */
import { useQueries } from "@tanstack/react-query";
import { Tabs } from "radix-ui";
import { useMemo } from "react";

import { api, told } from "../api/client";
import { useIncidents, useInterventions, useRoutes } from "../api/queries";
import type { Series } from "../api/types";
import { useRecent } from "../live/live";
import { Page, Panel } from "../parts/basic";
import { Chart } from "../parts/chart";
import { Empty, Loading } from "../parts/states";
import { percent, share } from "../view/format";
import { useParam } from "../view/params";
import { gatewayNames } from "../view/slice";
import { Codes } from "./codes";
import { Payment } from "./payment";
import { PolicyRollout, RolloutTab } from "./rollout";

export default function Routing() {
  const [tab, setTab] = useParam("tab", "gateways");
  return (
    <Page title="Routing and payments" lead="Where payments went, why attempts failed, and what became of one payment.">
      <Tabs.Root value={tab} onValueChange={setTab}>
        <Tabs.List className="tabs" aria-label="Routing and payments">
          <Tabs.Trigger value="gateways">Gateways</Tabs.Trigger>
          <Tabs.Trigger value="codes">Codes</Tabs.Trigger>
          <Tabs.Trigger value="rollout">
            <RolloutTab />
          </Tabs.Trigger>
          <Tabs.Trigger value="payment">One payment</Tabs.Trigger>
        </Tabs.List>
        <Tabs.Content value="gateways" className="tab-body">
          <Gateways />
        </Tabs.Content>
        <Tabs.Content value="codes" className="tab-body">
          <Codes />
        </Tabs.Content>
        <Tabs.Content value="rollout" className="tab-body">
          <PolicyRollout />
        </Tabs.Content>
        <Tabs.Content value="payment" className="tab-body">
          <Payment />
        </Tabs.Content>
      </Tabs.Root>
    </Page>
  );
}

/** Three colours that differ in lightness and four dashes: twelve lines apart, neighbours by both, for whoever sees no colours too. */
const COLOURS = ["--line-1", "--line-2", "--line-3"];
const DASHES = [undefined, [8, 4], [2, 3], [12, 3, 2, 3]];

const strokeOf = (i: number) => {
  const dash = DASHES[i % DASHES.length];
  return { colour: COLOURS[i % COLOURS.length] ?? "--text", ...(dash === undefined ? {} : { dash }) };
};

function Gateways() {
  const routes = useRoutes("gateway");
  const recent = useRecent();
  const open = useIncidents({ limit: 20 });
  const actions = useInterventions({ limit: 20 });
  const names = gatewayNames([
    ...(routes.data?.data ?? []).map((row) => row.slice),
    ...(recent[0]?.routes.data ?? []).map((row) => row.slice),
    ...(open.data?.data ?? []).map((incident) => incident.slice),
    ...(actions.data?.data ?? []).map((one) => (one.from == null ? {} : { gateway: one.from })),
  ]);
  const asOf = routes.data?.as_of ?? null;
  const to = asOf === null ? null : Math.ceil(Date.parse(asOf) / 60_000) * 60_000;
  const series = useQueries({
    queries: names.map((name) => {
      const query = { slice: `gateway:${name}`, step: "60s", from: new Date((to ?? 0) - 3_600_000).toISOString(), to: new Date(to ?? 0).toISOString() };
      return { queryKey: ["series", query], queryFn: () => told(api.GET("/v1/series", { params: { query } })), enabled: to !== null };
    }),
    combine: (all) => ({ isPending: all.some((one) => one.isPending), data: all.map((one) => one.data) }),
  });
  if (routes.data !== undefined && names.length === 0) return <Empty title="No attempts in the last minute" />;
  if (series.isPending) return <Loading rows={8} />;
  return <Lines names={names} told={series.data} />;
}

function Lines({ names, told: all }: { names: string[]; told: (Series | undefined)[] }) {
  const { times, shares, rates } = useMemo(() => {
    const times = [...new Set(all.flatMap((one) => one?.data.map((p) => Date.parse(p.at)) ?? []))].sort((a, b) => a - b);
    const byTime = all.map((one) => new Map(one?.data.map((p) => [Date.parse(p.at), p])));
    const whole = times.map((at) => byTime.reduce((sum, points) => sum + (points.get(at)?.attempts ?? 0), 0));
    return {
      times,
      shares: byTime.map((points) => times.map((at, i) => (points.get(at)?.attempts ?? 0) / Math.max(1, whole[i] ?? 1))),
      rates: byTime.map((points) => times.map((at) => points.get(at)?.success_rate ?? null)),
    };
  }, [all]);
  const line = (values: (number | null)[][]) => names.map((name, i) => ({ name, values: values[i] ?? [], ...strokeOf(i) }));
  return (
    <>
      <Panel title="Share of attempts, last hour">
        <Chart label="Share of attempts by gateway" times={times} lines={line(shares)} format={share} />
      </Panel>
      <Panel title="Success rate, last hour">
        <Chart label="Success rate by gateway" times={times} lines={line(rates)} format={percent} range={[0, 1]} />
      </Panel>
    </>
  );
}
