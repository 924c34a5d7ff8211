/** What the pages tell the server to do. The server decides whether it may be done. */
import { useMutation, useQueryClient } from "@tanstack/react-query";

import { api, told } from "./client";
import type { FreezeWindow, Role, Settings, Slice } from "./types";

/** A command, and everything that it may have changed asked for anew. */
function useCommand<T, A>(run: (argument: T) => Promise<A>, ...keys: string[]) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: run,
    onSettled: () => Promise.all([...keys, "audit"].map((key) => client.invalidateQueries({ queryKey: [key] }))),
  });
}

export const useAcknowledge = () =>
  useCommand((id: string) => told(api.POST("/v1/incidents/{id}/ack", { params: { path: { id } } })), "incidents");

export const useApprove = () =>
  useCommand(
    ({ id, plan_hash }: { id: string; plan_hash: string }) =>
      told(api.POST("/v1/interventions/{id}/approve", { params: { path: { id } }, body: { plan_hash } })),
    "interventions",
  );

export const useReject = () =>
  useCommand(
    ({ id, reason }: { id: string; reason: string }) =>
      told(api.POST("/v1/interventions/{id}/reject", { params: { path: { id } }, body: { reason } })),
    "interventions",
  );

export const useRollBack = () =>
  useCommand(
    ({ id, reason }: { id: string; reason: string }) =>
      told(api.POST("/v1/interventions/{id}/rollback", { params: { path: { id } }, body: { reason } })),
    "interventions",
  );

export const useRollBackPolicy = () =>
  useCommand((reason: string) => told(api.POST("/v1/policy/rollout/rollback", { body: { reason } })), "rollout", "policy");

export const useSetKillSwitch = () =>
  useCommand(
    (body: { engaged: boolean; reason: string }) => told(api.POST("/v1/kill-switch", { body })),
    "kill-switch",
    "interventions",
    "policy",
    "rollout",
  );

export const useChangeSettings = () =>
  useCommand(
    ({ tag, ...body }: { tag: string; modes?: Settings["modes"]; guardrails?: Record<string, unknown> }) =>
      told(api.PATCH("/v1/settings", { params: { header: { "If-Match": tag } }, body })),
    "settings",
    "pending",
  );

export const useSetFreezes = () =>
  useCommand((data: FreezeWindow[]) => told(api.PUT("/v1/freezes", { body: { data } })), "freezes");

export const useRevokeKey = () =>
  useCommand((id: string) => told(api.DELETE("/v1/keys/{id}", { params: { path: { id } } })), "keys");

export const useMakeKey = () =>
  useCommand((body: { name: string; role?: Role; scopes?: string[] }) => told(api.POST("/v1/keys", { body })), "keys");

export const useChangeUser = () =>
  useCommand(
    ({ id, ...body }: { id: string; role?: Role | null; disabled?: boolean }) =>
      told(api.PATCH("/v1/users/{id}", { params: { path: { id } }, body })),
    "users",
  );

export const useConfirmChange = () =>
  useCommand(
    (id: string) => told(api.POST("/v1/settings/pending/{id}/confirm", { params: { path: { id } } })),
    "pending",
    "settings",
  );

export const useWithdrawChange = () =>
  useCommand((id: string) => told(api.DELETE("/v1/settings/pending/{id}", { params: { path: { id } } })), "pending");

export const useTestChannel = () =>
  useCommand((name: string) => told(api.POST("/v1/channels/{name}/test", { params: { path: { name } } })), "alerts", "channels");

export const useSilence = () =>
  useCommand((body: { slice: Slice; until: string; reason: string }) => told(api.POST("/v1/silences", { body })), "silences");

export const useEndSilence = () =>
  useCommand((id: string) => told(api.DELETE("/v1/silences/{id}", { params: { path: { id } } })), "silences");

export const useEndSession = () => useCommand(() => told(api.DELETE("/v1/session")));
