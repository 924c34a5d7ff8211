/** The heat map: which cells, in which order, and how bad each is. */
import type { RouteRow, Slice } from "../api/types";

export type Cell = { row: RouteRow; gap: number | null; level: Level };
/** -1 better than expected; 0 as expected; 1 to 4 worse. */
export type Level = -1 | 0 | 1 | 2 | 3 | 4;
/** `whole` is all of a row, where it is known: cells of a thin row say little each. */
export type HeatRow = {
  name: string;
  whole: Cell | null;
  cells: (Cell | null)[];
  worst: number;
  /** An open incident names it: what is failing stays on top even when its traffic has been led elsewhere. */
  failing: boolean;
};
export type Heat = { rows: HeatRow[]; columns: string[] };

/** Fewer attempts than this say nothing, whatever their rate. */
const ATTEMPTS_MIN = 20;

export function gapOf(row: RouteRow): number | null {
  if (row.success_rate === null || row.success_rate === undefined) return null;
  if (row.baseline_rate === null || row.baseline_rate === undefined) return null;
  return row.success_rate - row.baseline_rate;
}

export function levelOf(gap: number | null, attempts: number): Level {
  if (gap === null || attempts < ATTEMPTS_MIN) return 0;
  if (gap > 0.05) return -1;
  if (gap > -0.05) return 0;
  if (gap > -0.1) return 1;
  if (gap > -0.2) return 2;
  return gap > -0.4 ? 3 : 4;
}

/** How much is lost there: what the order goes by, so that a small cell's chance doesn't lead. */
function weight(cell: Cell | null): number {
  if (cell === null || cell.gap === null) return 0;
  return Math.min(0, cell.gap) * cell.row.attempts;
}

const cellOf = (row: RouteRow): Cell => {
  const gap = gapOf(row);
  return { row, gap, level: levelOf(gap, row.attempts) };
};

export function heat(data: RouteRow[], down: string, across: string, wholes: RouteRow[] = [], incidents: Slice[] = []): Heat {
  const cells = new Map<string, Map<string, Cell>>();
  const columns = new Map<string, number>();
  for (const row of data) {
    const name = row.slice[down] ?? "__none__";
    const column = row.slice[across] ?? "__none__";
    const cell = cellOf(row);
    const line = cells.get(name) ?? new Map<string, Cell>();
    line.set(column, cell);
    cells.set(name, line);
    columns.set(column, (columns.get(column) ?? 0) + row.attempts);
  }
  const names = [...columns].sort(([a, n], [b, m]) => m - n || a.localeCompare(b)).map(([name]) => name);
  const rows = [...cells].map(([name, line]) => {
    const all = names.map((column) => line.get(column) ?? null);
    const row = wholes.find((one) => (one.slice[down] ?? "__none__") === name);
    const whole = row === undefined ? null : cellOf(row);
    // Chance pulls cells both ways; of a whole row little of it is left.
    const worst = whole?.gap == null ? all.reduce((sum, cell) => sum + weight(cell), 0) : weight(whole);
    return { name, whole, cells: all, worst, failing: incidents.some((slice) => slice[down] === name) };
  });
  // In coarse steps, so that rows that are well don't change places each second.
  const step = (loss: number) => Math.round(loss / 10);
  rows.sort((a, b) => Number(b.failing) - Number(a.failing) || step(a.worst) - step(b.worst) || a.name.localeCompare(b.name));
  return { rows, columns: names };
}
