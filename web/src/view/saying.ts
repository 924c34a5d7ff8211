/** What is said to those who hear the page: one sentence after another, each once. */
import { useSyncExternalStore } from "react";

import type { Incident } from "../api/types";
import { inWords } from "./slice";
import { causeName } from "./words";

/** Sentences that come together are said together: a later one would silence the one before it. */
const TOGETHER_MS = 300;

let waiting: string[] = [];
let text = "";
let timer: ReturnType<typeof setTimeout> | undefined;
const listeners = new Set<() => void>();

export function saying(sentence: string): void {
  waiting.push(sentence);
  timer ??= setTimeout(() => {
    timer = undefined;
    text = waiting.join(". ");
    waiting = [];
    for (const listener of listeners) listener();
  }, TOGETHER_MS);
}

export const said = () => text;

export function useSaid(): string {
  return useSyncExternalStore((listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  }, said);
}

/** What has failed between two looks at the incidents that are open, and what is over. */
export function news(before: Incident[], open: Incident[]): string[] {
  const ids = (incidents: Incident[]) => new Set(incidents.map((incident) => incident.id));
  const [were, are] = [ids(before), ids(open)];
  return [
    ...open.filter(({ id }) => !were.has(id)).map(({ slice, cause }) => `New incident: ${inWords(slice)}, ${causeName(cause)}`),
    ...before.filter(({ id }) => !are.has(id)).map(({ slice }) => `Incident over: ${inWords(slice)}`),
  ];
}
