/** The way of each route over the last minutes. */
import { useQueries } from "@tanstack/react-query";
import { useMemo } from "react";

import { api, told } from "../api/client";
import type { RouteRow } from "../api/types";
import { useRecent } from "../live/live";
import { serverNow } from "../view/now";
import { asText } from "../view/slice";
import { trail, type Spot } from "../view/trail";

type Latency = "mean" | "p50" | "p95" | "p99";

const MINUTES = 10;
/** More would ask too much, and be a tangle. */
const ROUTES_MAX = 24;
/** Of the stream a point is taken every so many seconds. */
const STEP = 10;

/**
 * By mean latency from the roll-ups of each minute, which anybody who opens the page sees alike. Quantiles aren't rolled up: their trails are those of the
 * gateways, as the stream told them since the page was opened.
 */
export function useTrails(rows: RouteRow[], latency: Latency, isByGateway: boolean): Map<string, Spot[]> {
  const moments = useRecent();
  const names = rows.slice(0, ROUTES_MAX).map((row) => asText(row.slice)).sort();
  // Whole minutes, so that the question stays the same for a minute; the last one isn't over.
  const to = Math.floor(serverNow() / 60_000) * 60_000;
  const rolled = useQueries({
    queries: names.map((slice) => {
      const query = { slice, step: "60s", from: new Date(to - MINUTES * 60_000).toISOString(), to: new Date(to).toISOString() };
      return { queryKey: ["series", query], queryFn: () => told(api.GET("/v1/series", { params: { query } })), enabled: latency === "mean", staleTime: Infinity };
    }),
    combine: (all) => all.map((one) => one.data),
  });
  return useMemo(() => {
    const trails = new Map<string, Spot[]>();
    if (latency === "mean") {
      names.forEach((name, i) => {
        trails.set(name, trail(rolled[i]?.data ?? []));
      });
    } else if (isByGateway) {
      for (const moment of moments.filter((_, i) => (moments.length - 1 - i) % STEP === 0).slice(-MINUTES * (60 / STEP))) {
        for (const row of moment.routes.data) {
          const x = row.latency_ms[latency];
          if (x == null || row.success_rate == null) continue;
          const key = asText(row.slice);
          trails.set(key, [...(trails.get(key) ?? []), { x, y: row.success_rate }]);
        }
      }
    }
    return trails;
    // What `names` says is in `rolled`.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [rolled, moments, latency, isByGateway]);
}
