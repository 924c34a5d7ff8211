/**
 * The time, once a second, from one timer.
 *
 * The server's, as the stream tells it each second: its clock may be that of the events, which a simulated network drives faster than ours goes, and ours may be wrong. Between two tellings
 * it goes on at our pace.
 */
import { useSyncExternalStore } from "react";

/** Less than this is the way of the message, not another clock. */
const SAME_MS = 1_500;

/** The server's clock less ours. */
let ahead = 0;
let now = Date.now();
const listeners = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;

function tick(): void {
  now = Date.now();
  for (const each of listeners) each();
}

/** The server has said how late it is. */
export function hear(time: string): void {
  const at = Date.parse(time);
  if (Number.isNaN(at) || Math.abs(at - serverNow()) < SAME_MS) return;
  ahead = at - Date.now();
  tick();
}

/** As the server has it. */
export const serverNow = () => Date.now() + ahead;

function listen(listener: () => void): () => void {
  listeners.add(listener);
  timer ??= setInterval(tick, 1_000);
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) {
      clearInterval(timer);
      timer = undefined;
    }
  };
}

/** What everything that happens to payments is dated by. */
export function useNow(): number {
  return useSyncExternalStore(listen, () => now + ahead);
}

/** Ours: what people do (keys, changes that wait) and the connection are dated by clocks on walls. */
export function useWallNow(): number {
  return useSyncExternalStore(listen, () => now);
}
