/** Slices: in words, in the address, and one inside another. */
import type { Slice } from "../api/types";

/** Wide first, as people say it. */
const ORDER = ["gateway", "issuer", "network", "method", "country", "merchant_id"];

const rank = (name: string) => (ORDER.includes(name) ? ORDER.indexOf(name) : ORDER.length);

function sorted(slice: Slice): [string, string][] {
  return Object.entries(slice).sort(([a], [b]) => rank(a) - rank(b) || a.localeCompare(b));
}

const VALUES: Record<string, string> = { __none__: "none given", __other__: "others" };

export const valueName = (value: string) => VALUES[value] ?? value;

const NAMES: Record<string, string> = { merchant_id: "merchant" };

export const dimensionName = (name: string) => NAMES[name] ?? name.replaceAll("_", " ");

/** `gateway payu, issuer HDFC`. */
export function inWords(slice: Slice): string {
  const words = sorted(slice).map(([name, value]) => `${dimensionName(name)} ${valueName(value)}`);
  return words.length === 0 ? "all traffic" : words.join(", ");
}

/** `gateway:payu,issuer:HDFC`, as the interface and the address take it. */
export function asText(slice: Slice): string {
  return sorted(slice)
    .map(([name, value]) => `${name}:${value}`)
    .join(",");
}

/** Every gateway that is named, in a fixed order: one that gets no traffic any more is the one that is looked for. */
export function gatewayNames(slices: Slice[]): string[] {
  const names = slices.flatMap((slice) => slice["gateway"] ?? []).filter((name) => !name.startsWith("__"));
  return [...new Set(names)].sort((a, b) => a.localeCompare(b)).slice(0, 18);
}

/** Back from that; null where it is none. */
export function fromText(text: string): Slice | null {
  const slice: Slice = {};
  for (const pair of text.split(",")) {
    const at = pair.indexOf(":");
    if (at <= 0 || at === pair.length - 1) return null;
    slice[pair.slice(0, at)] = pair.slice(at + 1);
  }
  return slice;
}

/** Whether two slices can hold the same payment. */
export function touches(a: Slice, b: Slice): boolean {
  return Object.entries(a).every(([name, value]) => b[name] === undefined || b[name] === value);
}
