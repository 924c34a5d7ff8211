import { expect, test } from "vitest";

import { csv, plainTable } from "./csv";

test("quotes what needs it (RFC 4180)", () => {
  expect(csv(["a", "b"], [['say "no"', "1,2"], ["two\nlines", null]])).toBe('a,b\r\n"say ""no""","1,2"\r\n"two\nlines",\r\n');
});

test("nothing that a spreadsheet would run", () => {
  for (const start of ["=", "+", "-", "@", "\t", "\r"]) expect(csv([], [[`${start}1`]]).replaceAll('"', "")).toMatch(/^\r\n'/);
  expect(csv([], [[-1.5, 0]])).toBe("\r\n-1.5,0\r\n");
});

test("a table is its plain columns, shown or not, without those of buttons", () => {
  const columns = [
    { name: "Name", cell: (r: { n: string; v: number }) => r.n },
    { name: "Value", cell: () => ({ drawn: true }), plain: (r: { n: string; v: number }) => r.v },
    { name: "Drawn", cell: () => ({ drawn: true }) },
    { name: "", cell: () => "x" },
  ];
  expect(plainTable(columns, [{ n: "a", v: 1 }])).toEqual({ head: ["Name", "Value"], body: [["a", 1]] });
});
