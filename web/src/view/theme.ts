/** Light, dark, or as the system has it. */
import { useSyncExternalStore } from "react";

export type Theme = "system" | "light" | "dark";

const NAME = "pointsman.theme";
const listeners = new Set<() => void>();

function stored(): Theme {
  const value = localStorage.getItem(NAME);
  return value === "light" || value === "dark" ? value : "system";
}

let theme = stored();

const system = matchMedia("(prefers-color-scheme: dark)");

const isDark = () => theme === "dark" || (theme === "system" && system.matches);

function apply(): void {
  document.documentElement.dataset["shown"] = isDark() ? "dark" : "light";
}

export function setTheme(next: Theme): void {
  theme = next;
  if (next === "system") localStorage.removeItem(NAME);
  else localStorage.setItem(NAME, next);
  apply();
  for (const listener of listeners) listener();
}

apply();
system.addEventListener("change", () => {
  apply();
  for (const listener of listeners) listener();
});

function listen(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export const useTheme = () => useSyncExternalStore(listen, () => theme);

/** What is really shown: charts are drawn anew when it changes. */
export const useIsDark = () =>
  useSyncExternalStore(listen, isDark);
