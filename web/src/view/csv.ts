/** Tables as CSV (RFC 4180), harmless to open in a spreadsheet. */
function field(value: string | number | null | undefined): string {
  if (value === null || value === undefined) return "";
  if (typeof value === "number") return String(value);
  // A cell that a spreadsheet would run is shown as text.
  const safe = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

export function csv(head: string[], rows: (string | number | null | undefined)[][]): string {
  return [head, ...rows].map((row) => row.map(field).join(",")).join("\r\n") + "\r\n";
}

export function download(name: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: "text/csv;charset=utf-8" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
}

type Plain = string | number | null | undefined;

const isPlain = (value: unknown): value is Plain => value === null || value === undefined || typeof value === "string" || typeof value === "number";

/** What of a table is text or a number: columns of buttons alone are none of its data. */
export function plainTable<T>(columns: { name: string; cell: (row: T) => unknown; plain?: (row: T) => Plain }[], rows: T[]): { head: string[]; body: Plain[][] } {
  const valueOf = (column: (typeof columns)[number]) => column.plain ?? column.cell;
  const told = columns.filter((column) => column.name !== "" && rows.every((row) => isPlain(valueOf(column)(row))));
  return { head: told.map((column) => column.name), body: rows.map((row) => told.map((column) => valueOf(column)(row) as Plain)) };
}
