/** The stream in the page: what it tells goes where the pages read it. */
import { useQueryClient, type QueryClient } from "@tanstack/react-query";
import { createContext, useContext, useEffect, useState, useSyncExternalStore, type ReactNode } from "react";

import { api, credentials, told } from "../api/client";
import type { Rollout, Routes } from "../api/types";
import { hear } from "../view/now";
import { announced } from "../view/rollout";
import { saying } from "../view/saying";
import { heard } from "./arms";
import { onRecent, recent, remember } from "./recent";
import { follow, type Connection, type Told } from "./stream";

const Context = createContext<Connection>({ state: "connecting" });

/** Lists by the kind of object that is in them. */
const LISTS: Record<string, string> = {
  incident: "incidents",
  intervention: "interventions",
  experiment: "experiments",
  decision: "decisions",
};

/** An object goes to whoever shows it, and its lists are asked for again. */
function spread(client: QueryClient, event: Told): void {
  heard(event);
  const list = LISTS[event.kind];
  if (list !== undefined) {
    const { id } = event.data as { id: string };
    client.setQueryData([list, "one", id], event.data);
    void client.invalidateQueries({ queryKey: [list] });
    if (event.kind === "experiment") {
      void client.invalidateQueries({ queryKey: ["recovered"] });
      void client.invalidateQueries({ queryKey: ["calibration"] });
    }
    if (event.kind === "incident") void client.invalidateQueries({ queryKey: ["memory"] });
  } else if (event.kind === "kill_switch") {
    client.setQueryData(["kill-switch"], event.data);
  } else if (event.kind === "policy") {
    client.setQueryData(["policy"], event.data);
  } else if (event.kind === "rollout") {
    const rollout = event.data as Rollout;
    client.setQueryData(["rollout"], rollout);
    // What was asked for before it turned answers with what was before.
    void client.invalidateQueries({ queryKey: ["rollout"] });
    saying(announced(rollout));
  } else if (event.kind === "routes") {
    client.setQueryData(["routes", "gateway"], event.data);
    const routes = event.data as Routes;
    hearOf(routes);
    remember(routes);
  }
}

/** A clock of events that has seen none yet stands at its beginning. */
function hearOf({ as_of, now }: Routes): void {
  if (as_of != null) hear(now);
}

export function Live({ children, epoch }: { children: ReactNode; epoch: number }) {
  const client = useQueryClient();
  const [connection, setConnection] = useState<Connection>({ state: "connecting" });
  useEffect(() => {
    let wasLive = false;
    return follow({
      url: "/v1/stream",
      headers: credentials,
      onEvent: (event) => spread(client, event),
      onState: (next) => {
        setConnection(next);
        // The key was revoked, or the first one was made: who am I now?
        if (next.state === "refused") void client.invalidateQueries({ queryKey: ["me"] });
        // How late it is there, before the stream tells it.
        if (next.state === "live") void told(api.GET("/v1/routes", { params: { query: { limit: 1 } } })).then(hearOf, () => undefined);
        // What isn't in the stream may have changed while we were away.
        if (next.state === "live" && wasLive) void client.invalidateQueries();
        wasLive ||= next.state === "live";
      },
    });
  }, [client, epoch]);
  return <Context value={connection}>{children}</Context>;
}

export function useConnection(): Connection {
  return useContext(Context);
}

/** Each second, while the stream is live. */
export function useRecent() {
  return useSyncExternalStore(onRecent, recent);
}
