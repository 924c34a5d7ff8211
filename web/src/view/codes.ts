/** Where a decline code rises: its share of a gateway's attempts against the other gateways now, and against the same gateway minutes ago. */
import type { RouteRow } from "../api/types";

export type CodeRow = RouteRow["errors"][number] & {
  gateway: string;
  part: number;
  /** Of the attempts of all other gateways; null where there are none. */
  elsewhere: number | null;
  /** Of this gateway's attempts then; null where it isn't known. */
  before: number | null;
  rises: boolean;
};

/** Fewer are chance. */
const COUNT_MIN = 5;
const TIMES_MIN = 2;

const named = (e: { source: string; value: string }) => `${e.source}/${e.value}`;

function partOf(rows: RouteRow[], code: string): number | null {
  const attempts = rows.reduce((sum, row) => sum + row.attempts, 0);
  if (attempts === 0) return null;
  return rows.flatMap((row) => row.errors).reduce((sum, e) => sum + (named(e) === code ? e.count : 0), 0) / attempts;
}

/** What rises first, by how much of the attempts it takes more than it would. */
export function codes(rows: RouteRow[], earlier: RouteRow[] | null): CodeRow[] {
  const gatewayOf = (row: RouteRow) => row.slice["gateway"] ?? "";
  const all = rows.flatMap((row) => {
    const others = rows.filter((other) => other !== row);
    const then = (earlier ?? []).filter((other) => gatewayOf(other) === gatewayOf(row));
    return row.errors.map((e) => {
      const part = e.count / row.attempts;
      const before = partOf(then, named(e));
      // A code that only this gateway speaks is measured by its own past.
      const spoken = others.some((other) => other.errors.some((o) => o.source === e.source));
      const elsewhere = spoken ? partOf(others, named(e)) : null;
      const usual = before ?? elsewhere;
      return { ...e, gateway: gatewayOf(row), part, elsewhere, before, rises: e.count >= COUNT_MIN && usual !== null && part > TIMES_MIN * usual };
    });
  });
  const over = (row: CodeRow) => (row.rises ? row.part - (row.before ?? row.elsewhere ?? 0) : 0);
  return all.sort((a, b) => over(b) - over(a) || b.part - a.part);
}
