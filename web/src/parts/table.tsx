/** A table with its rows as CSV. */
import type { ReactNode } from "react";

import { csv, download, plainTable } from "../view/csv";
import { Button } from "./basic";
import { Empty } from "./states";

export type Column<T> = {
  name: string;
  cell: (row: T) => ReactNode;
  /** As CSV; without, the cell if it is text or a number, and else the column is left out. */
  plain?: (row: T) => string | number | null | undefined;
  isNumber?: boolean;
  /** Sentences, which need room. */
  isWords?: boolean;
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
  /** The file's name; without, after its label. */
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
                  <td key={column.name} className={column.isNumber ? "number" : column.isWords ? "words" : ""}>
                    {column.cell(row)}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <SaveCsv {...{ columns, rows }} file={file ?? label.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-")} label={label} />
    </>
  );
}

function SaveCsv<T>({ columns, rows, file, label }: { columns: Column<T>[]; rows: T[]; file: string; label: string }) {
  const save = () => {
    const { head, body } = plainTable(columns, rows);
    download(`${file}.csv`, csv(head, body));
  };
  return (
    <p className="below">
      <Button kind="quiet" onClick={save}>
        Save as CSV<span className="visually-hidden">: {label}</span>
      </Button>
    </p>
  );
}
