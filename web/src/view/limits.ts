/** Limits as they are typed in, and what of them has changed. */
export type Limits = Record<string, unknown>;

/** As text in its field. */
export const limitText = (value: unknown): string => (typeof value === "string" ? value : JSON.stringify(value));

/** Back from that; undefined where it is none of the same kind. */
export function limitOf(text: string, before: unknown): unknown {
  if (typeof before === "string") return text.trim() === "" ? undefined : text.trim();
  try {
    const value = JSON.parse(text) as unknown;
    return kind(value) === kind(before) || before === null || value === null ? value : undefined;
  } catch {
    return undefined;
  }
}

const kind = (value: unknown) => (Array.isArray(value) ? "list" : typeof value);

/** Those that are typed in and differ, and the names of those that can't be read. */
export function changesOf(before: Limits, typed: Record<string, string>): { changed: Limits; wrong: string[] } {
  const changed: Limits = {};
  const wrong: string[] = [];
  for (const [name, text] of Object.entries(typed)) {
    if (text === limitText(before[name])) continue;
    const value = limitOf(text, before[name]);
    if (value === undefined) wrong.push(name);
    else if (JSON.stringify(value) !== JSON.stringify(before[name])) changed[name] = value;
  }
  return { changed, wrong };
}
