/** A table with its rows as CSV. */
import type { ReactNode } from "react";

import { csv, download } from "../view/csv";
import { Button } from "./basic";
import { Empty } from "./states";

export type Column<T> = {
  name: string;
  cell: (row: T) => ReactNode;
  /** As CSV; a column without is left out of it. */
  plain?: (row: T) => string | number | null | undefined;
  isNumber?: boolean;
};

export function Table<T>({
  label,
  columns,
  rows,
  rowKey,
  empty,
  file,
}: {
  label: string;
  columns: Column<T>[];
  rows: T[];
  rowKey: (row: T) => string;
  empty: ReactNode;
  /** The file's name, where it can be had. */
  file?: string;
}) {
  if (rows.length === 0) return <>{typeof empty === "string" ? <Empty title={empty} /> : empty}</>;
  return (
    <>
      <div className="scroll" tabIndex={0} role="region" aria-label={label}>
        <table>
          <thead>
            <tr>
              {columns.map((column) => (
                <th key={column.name} scope="col" className={column.isNumber ? "number" : ""}>
                  {column.name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <tr key={rowKey(row)}>
                {columns.map((column) => (
                  <td key={column.name} className={column.isNumber ? "number" : ""}>
                    {column.cell(row)}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {file !== undefined && <SaveCsv {...{ columns, rows, file }} />}
    </>
  );
}

function SaveCsv<T>({ columns, rows, file }: { columns: Column<T>[]; rows: T[]; file: string }) {
  const told = columns.filter((column) => column.plain !== undefined);
  const save = () => download(`${file}.csv`, csv(told.map((c) => c.name), rows.map((row) => told.map((c) => c.plain?.(row)))));
  return (
    <p className="below">
      <Button kind="quiet" onClick={save}>
        Save as CSV
      </Button>
    </p>
  );
}
