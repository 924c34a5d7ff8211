/** Limits as they are typed in, in their own units, and what of them has changed. */
import { limitWords } from "./limit-words";

export type Limits = Record<string, unknown>;

/** Without what binary fractions add: 0.07 is 7 %, and back. */
const exact = (value: number) => Number(value.toPrecision(12));

const UNITS: [name: string, ms: number][] = [
  ["h", 3_600_000],
  ["min", 60_000],
  ["s", 1_000],
  ["ms", 1],
];

/** `1 h 30 min`, to the millisecond. */
function timeText(ms: number): string {
  const parts: string[] = [];
  let left = ms;
  for (const [name, unit] of UNITS) {
    const n = Math.floor(left / unit);
    left -= n * unit;
    if (n > 0) parts.push(`${n} ${name}`);
  }
  return parts.length === 0 ? "0 s" : parts.join(" ");
}

function timeOf(text: string): number | undefined {
  if (!/^(\s*\d+(\.\d+)?\s*(h|min|m|s|ms))+\s*$/.test(text)) return undefined;
  let ms = 0;
  for (const [, n, unit] of text.matchAll(/(\d+(?:\.\d+)?)\s*(ms|min|h|m|s)/g)) {
    const known = UNITS.find(([name]) => name === (unit === "m" ? "min" : unit));
    ms += Number(n) * (known?.[1] ?? 0);
  }
  return Math.round(ms);
}

function numberOf(text: string): number | undefined {
  const trimmed = text.trim().replace(/\s*%$/, "");
  return /^-?\d+(\.\d+)?(e[+-]?\d+)?$/i.test(trimmed) ? Number(trimmed) : undefined;
}

function listOf(text: string, one: (part: string) => number | undefined): number[] | undefined {
  const values = text.split(",").map(one);
  return values.every((value) => value !== undefined) ? values : undefined;
}

function moneyOf(text: string): Record<string, number> | undefined {
  const limits: Record<string, number> = {};
  for (const part of text.split(",").filter((part) => part.trim() !== "")) {
    const found = /^\s*([A-Z]{3})\s+(\d+)\s*$/.exec(part);
    if (found?.[1] === undefined) return undefined;
    limits[found[1]] = Number(found[2]);
  }
  return limits;
}

const shareOf = (text: string) => {
  const value = numberOf(text);
  return value === undefined ? undefined : exact(value / 100);
};

/** As text in its field. */
export function limitText(name: string, value: unknown): string {
  switch (limitWords(name)?.kind) {
    case "share":
      return String(exact(Number(value) * 100));
    case "shares":
      return (value as number[]).map((share) => exact(share * 100)).join(", ");
    case "evidences":
      return (value as number[]).join(", ");
    case "time":
      return timeText(Number(value));
    case "money":
      return Object.entries(value as Record<string, number>)
        .map(([currency, minor]) => `${currency} ${minor}`)
        .join(", ");
    case "count":
    case "evidence":
      return String(value);
    case undefined:
      return typeof value === "string" ? value : JSON.stringify(value);
  }
}

/** Back from that; undefined where it is none. */
function limitOf(name: string, text: string, before: unknown): unknown {
  switch (limitWords(name)?.kind) {
    case "share":
      return shareOf(text);
    case "shares":
      return listOf(text, shareOf);
    case "evidences":
      return listOf(text, numberOf);
    case "time":
      return timeOf(text);
    case "money":
      return moneyOf(text);
    case "count":
    case "evidence":
      return numberOf(text);
    case undefined:
      return asBefore(text, before);
  }
}

/** A limit that this page has no words for keeps its kind. */
function asBefore(text: string, before: unknown): unknown {
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
    if (text === limitText(name, before[name])) continue;
    const value = limitOf(name, text, before[name]);
    if (value === undefined) wrong.push(name);
    else if (JSON.stringify(value) !== JSON.stringify(before[name])) changed[name] = value;
  }
  return { changed, wrong };
}
