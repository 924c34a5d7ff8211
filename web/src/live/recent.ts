/** The last minutes of the routes, as the stream told them each second: what trails and live lines are drawn from. */
import type { Routes } from "../api/types";

export type Moment = { at: number; routes: Routes };

const KEPT = 15 * 60;

let moments: Moment[] = [];
const listeners = new Set<() => void>();

export function remember(routes: Routes): void {
  const at = routes.as_of === null || routes.as_of === undefined ? NaN : Date.parse(routes.as_of);
  if (Number.isNaN(at) || moments.at(-1)?.at === at) return;
  // An event clock that was set back begins anew.
  const before = moments.at(-1);
  moments = before !== undefined && before.at > at ? [] : moments.slice(1 - KEPT);
  moments = [...moments, { at, routes }];
  for (const listener of listeners) listener();
}

export function recent(): Moment[] {
  return moments;
}

export function onRecent(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
