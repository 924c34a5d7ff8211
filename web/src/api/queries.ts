/** What the pages ask for. The stream keeps most of it fresh; what it doesn't tell is asked for every two seconds. */
import { keepPreviousData, useQuery } from "@tanstack/react-query";

import { api, Problem, setCsrf, tagged, told } from "./client";
import type { Alert, Decision, Experiment, Incident, Intervention, Rollout } from "./types";

const SOON = 2_000;
const LATER = 15_000;

export type Paged<T> = { data: T[]; next_cursor: string | null };

type Paging = { status?: string; limit?: number; cursor?: string };

const clean = ({ status, limit, cursor }: Paging) => ({
  ...(status === undefined || status === "" ? {} : { status }),
  ...(cursor === undefined ? {} : { cursor }),
  limit: limit ?? 50,
});

export const useMe = () =>
  useQuery({
    queryKey: ["me"],
    queryFn: async () => {
      const me = await told(api.GET("/v1/me"));
      setCsrf(me.csrf_token ?? null);
      return me;
    },
    staleTime: 60_000,
  });

export const useVersion = () =>
  useQuery({ queryKey: ["version"], queryFn: () => told(api.GET("/version")), staleTime: Infinity });

export const useReady = () =>
  useQuery({ queryKey: ["ready"], queryFn: () => told(api.GET("/readyz")), refetchInterval: SOON });

export const useRoutes = (by: string) =>
  useQuery({
    queryKey: ["routes", by],
    queryFn: () => told(api.GET("/v1/routes", { params: { query: { by, limit: 500 } } })),
    refetchInterval: SOON,
    placeholderData: keepPreviousData,
  });

export type SeriesAsked = { slice: string; from?: string; to?: string; step: string };

export const useSeries = (asked: SeriesAsked) =>
  useQuery({
    queryKey: ["series", asked],
    queryFn: () => told(api.GET("/v1/series", { params: { query: asked } })),
    refetchInterval: LATER,
    placeholderData: keepPreviousData,
  });

export const useIncidents = (paging: Paging = {}) =>
  useQuery({
    queryKey: ["incidents", "list", paging],
    queryFn: () =>
      told(api.GET("/v1/incidents", { params: { query: clean(paging) } })) as Promise<Paged<Incident>>,
    placeholderData: keepPreviousData,
  });

export const useIncident = (id: string) =>
  useQuery({
    queryKey: ["incidents", "one", id],
    queryFn: () => told(api.GET("/v1/incidents/{id}", { params: { path: { id } } })) as Promise<Incident>,
    refetchInterval: LATER,
  });

export const useInterventions = (paging: Paging = {}) =>
  useQuery({
    queryKey: ["interventions", "list", paging],
    queryFn: () =>
      told(api.GET("/v1/interventions", { params: { query: clean(paging) } })) as Promise<Paged<Intervention>>,
    placeholderData: keepPreviousData,
    refetchInterval: LATER,
  });

export const useExperiments = (paging: Paging = {}) =>
  useQuery({
    queryKey: ["experiments", "list", paging],
    queryFn: () =>
      told(api.GET("/v1/experiments", { params: { query: clean(paging) } })) as Promise<Paged<Experiment>>,
    placeholderData: keepPreviousData,
    refetchInterval: LATER,
  });

export const useRecovered = (since: string) =>
  useQuery({
    queryKey: ["recovered", since],
    queryFn: () => told(api.GET("/v1/recovered", { params: { query: { since } } })),
    refetchInterval: LATER,
    placeholderData: keepPreviousData,
  });

export const useDecisions = (paging: Paging & { since?: string } = {}) =>
  useQuery({
    queryKey: ["decisions", "list", paging],
    queryFn: () =>
      told(
        api.GET("/v1/decisions", {
          params: { query: { ...clean(paging), ...(paging.since === undefined ? {} : { since: paging.since }) } },
        }),
      ) as unknown as Promise<Paged<Decision>>,
    placeholderData: keepPreviousData,
  });

export const useMemory = () =>
  useQuery({ queryKey: ["memory"], queryFn: () => told(api.GET("/v1/memory")), refetchInterval: LATER });

export const useCalibration = () =>
  useQuery({ queryKey: ["calibration"], queryFn: () => told(api.GET("/v1/calibration")), refetchInterval: LATER });

export const useBehaviour = (slice: string, window: string) =>
  useQuery({
    queryKey: ["behaviour", slice, window],
    queryFn: () => told(api.GET("/v1/behaviour", { params: { query: { slice, window } } })),
    refetchInterval: LATER,
    placeholderData: keepPreviousData,
  });

export const usePolicy = () =>
  useQuery({ queryKey: ["policy"], queryFn: () => told(api.GET("/v1/policy")), refetchInterval: LATER });

/** The last roll-out; null before the first. The stream tells its changes of stage, and what it has shown meanwhile is asked for. */
export const useRollout = () =>
  useQuery({
    queryKey: ["rollout"],
    queryFn: (): Promise<Rollout | null> =>
      told(api.GET("/v1/policy/rollout")).catch((problem: unknown) => {
        if (problem instanceof Problem && problem.status === 404) return null;
        throw problem;
      }),
    refetchInterval: ({ state }) => (state.data != null && state.data.stopped == null ? SOON : false),
  });

export const useKillSwitch = () =>
  useQuery({ queryKey: ["kill-switch"], queryFn: () => told(api.GET("/v1/kill-switch")), refetchInterval: SOON });

export const useSettings = () =>
  useQuery({ queryKey: ["settings"], queryFn: () => tagged(api.GET("/v1/settings")), refetchInterval: SOON });

export const useFreezes = () =>
  useQuery({ queryKey: ["freezes"], queryFn: () => told(api.GET("/v1/freezes")), refetchInterval: LATER });

export const useGateways = () =>
  useQuery({ queryKey: ["gateways"], queryFn: () => told(api.GET("/v1/gateways")), staleTime: LATER });

export const useKeys = (enabled: boolean) =>
  useQuery({ queryKey: ["keys"], queryFn: () => told(api.GET("/v1/keys")), enabled });

export const useAudit = (after: number, enabled: boolean) =>
  useQuery({
    queryKey: ["audit", after],
    queryFn: () => told(api.GET("/v1/audit", { params: { query: { after, limit: 100 } } })),
    enabled,
    placeholderData: keepPreviousData,
    refetchInterval: LATER,
  });

export const usePayment = (payment_id: string) =>
  useQuery({
    queryKey: ["payment", payment_id],
    queryFn: () => told(api.GET("/v1/payments/{payment_id}", { params: { path: { payment_id } } })),
    enabled: payment_id !== "",
    retry: false,
  });

export const useUsers = (enabled: boolean) =>
  useQuery({ queryKey: ["users"], queryFn: () => told(api.GET("/v1/users")), enabled });

export const usePending = (enabled: boolean) =>
  useQuery({ queryKey: ["pending"], queryFn: () => told(api.GET("/v1/settings/pending")), enabled, refetchInterval: SOON });

export const useChannels = () =>
  useQuery({ queryKey: ["channels"], queryFn: () => told(api.GET("/v1/channels")), refetchInterval: LATER });

export const useSilences = () =>
  useQuery({ queryKey: ["silences"], queryFn: () => told(api.GET("/v1/silences")), refetchInterval: LATER });

export const useAlerts = () =>
  useQuery({
    queryKey: ["alerts"],
    queryFn: () => told(api.GET("/v1/alerts", { params: { query: { limit: 100 } } })) as Promise<Paged<Alert>>,
    refetchInterval: LATER,
  });
