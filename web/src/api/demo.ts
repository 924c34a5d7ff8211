/** The demonstration's calls. Servers beside live traffic answer 404 `not_a_demo`, by which the page knows. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";

import { credentials, Problem } from "./client";
import type { ProblemBody, Slice } from "./types";

export type Outage = { id: string; slice: Slice; severity: number; starts_at: string; ends_at: string; by: string };
export type Strike = { slice: Slice; severity: number; duration_s: number };

const PATH = "/v1/demo/outages";

async function ask(method: string, body?: Strike): Promise<unknown> {
  const headers = { ...credentials(), ...(body === undefined ? {} : { "content-type": "application/json" }) };
  const response = await fetch(PATH, { method, headers, credentials: "same-origin", ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
  if (!response.ok) throw new Problem(response.status, (await response.json().catch(() => undefined)) as ProblemBody | undefined);
  return response.status === 204 ? null : response.json();
}

export const useOutages = (isFollowed: boolean) =>
  useQuery({
    queryKey: ["outages"],
    queryFn: () => ask("GET") as Promise<{ data: Outage[] }>,
    ...(isFollowed ? { refetchInterval: 2_000 } : { staleTime: Infinity }),
  });

export function useStrike() {
  const client = useQueryClient();
  return useMutation({ mutationFn: (strike: Strike) => ask("POST", strike), onSettled: () => client.invalidateQueries({ queryKey: ["outages"] }) });
}

export function useMend() {
  const client = useQueryClient();
  return useMutation({ mutationFn: () => ask("DELETE"), onSettled: () => client.invalidateQueries({ queryKey: ["outages"] }) });
}
