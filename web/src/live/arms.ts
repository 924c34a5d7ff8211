/**
 * How the arms of an experiment came to stand where they stand: each event of the stream has them as they were then, and the stream can be read from
 * where it was before, as a lost connection does.
 */
import { useEffect, useSyncExternalStore } from "react";

import { credentials } from "../api/client";
import type { Experiment } from "../api/types";
import { follow, type Told } from "./stream";

export type Standing = Pick<Experiment, "arms">;

/** So many events before the newest are read again; older ones are left out. */
const BACK = 3_000;
/** Where nothing happens the newest isn't known: then from the beginning, and no more than this. */
const READ_MAX = 10_000;
/** Where nothing else comes, there is nothing more. */
const QUIET_MS = 3_000;

const attemptsOf = (standing: Standing) => standing.arms.reduce((sum, arm) => sum + arm.attempts, 0);

/** In the order of their attempts, each once: what is told twice, by the stream and by its past, is the same. */
export class Standings {
  private readonly all = new Map<string, Standing[]>();
  private readonly listeners = new Set<() => void>();

  of(experiment: string): Standing[] {
    return this.all.get(experiment) ?? NONE;
  }

  add(event: Told): void {
    if (event.kind !== "experiment") return;
    const { id, arms } = event.data as Experiment;
    const before = this.of(id);
    const n = attemptsOf({ arms });
    if (n === 0 || before.some((standing) => attemptsOf(standing) === n)) return;
    this.all.set(id, [...before, { arms }].sort((a, b) => attemptsOf(a) - attemptsOf(b)));
    for (const listener of this.listeners) listener();
  }

  readonly listen = (listener: () => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };
}

const NONE: Standing[] = [];

export const standings = new Standings();

/** The newest event that the page has heard of. */
let newest = 0;
let isRead = false;

export function heard(event: Told): void {
  if (event.id !== null) newest = Math.max(newest, event.id);
  standings.add(event);
}

/** Reads the past of the stream, once, as soon as it is known how far that goes. */
function readPast(): void {
  if (isRead) return;
  isRead = true;
  const begun = Date.now();
  const timer = setInterval(() => {
    if (newest === 0 && Date.now() - begun < QUIET_MS) return;
    clearInterval(timer);
    readFrom(Math.max(0, newest - BACK));
  }, 200);
}

function readFrom(last: number): void {
  let n = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const stop = follow({
    url: "/v1/stream",
    headers: credentials,
    last,
    onEvent: (event) => {
      if (event.kind === "reset") {
        // So much isn't kept any more: from the oldest that is.
        stop();
        const { oldest_id: oldest } = event.data as { oldest_id: number };
        if (last < oldest - 1) readFrom(oldest - 1);
        return;
      }
      if (event.id === null) return;
      heard(event);
      n += 1;
      clearTimeout(timer);
      if (n >= READ_MAX) stop();
      else timer = setTimeout(stop, QUIET_MS);
    },
    onState: () => undefined,
  });
  timer = setTimeout(stop, 2 * QUIET_MS);
}

export function useStandings(experiment: string): Standing[] {
  useEffect(readPast, []);
  return useSyncExternalStore(standings.listen, () => standings.of(experiment));
}
