import { expect, test } from "vitest";

import type { RouteRow } from "../api/types";
import { gapOf, heat, levelOf } from "./heat";

const row = (gateway: string, issuer: string, attempts: number, rate: number | null, baseline: number | null = 0.8): RouteRow => ({
  slice: { gateway, issuer },
  attempts,
  success_rate: rate,
  failure_rate: rate === null ? null : 1 - rate,
  baseline_rate: baseline,
  latency_ms: { mean: null, p50: null, p95: null, p99: null },
  errors: [],
  e_value: 0,
});

test("few attempts say nothing, however bad", () => {
  expect(levelOf(-0.9, 19)).toBe(0);
  expect(levelOf(-0.9, 20)).toBe(4);
  expect(levelOf(null, 1_000)).toBe(0);
});

test("levels grow with what is missing", () => {
  const gaps = [0.2, 0.05, 0, -0.04, -0.06, -0.15, -0.3, -0.6];
  expect(gaps.map((gap) => levelOf(gap, 100))).toEqual([-1, 0, 0, 0, 1, 2, 3, 4]);
  const worse = Array.from({ length: 101 }, (_, i) => levelOf(-i / 100, 100));
  expect(worse).toEqual([...worse].sort((a, b) => a - b));
});

test("a gap needs both rates", () => {
  expect(gapOf(row("A", "X", 10, 0.5))).toBeCloseTo(-0.3);
  expect(gapOf(row("A", "X", 10, null))).toBeNull();
  expect(gapOf(row("A", "X", 10, 0.5, null))).toBeNull();
});

test("what loses most leads, and a small cell's chance doesn't", () => {
  const told = heat([row("A", "X", 500, 0.8), row("B", "X", 30, 0.3), row("C", "X", 500, 0.5)], "gateway", "issuer");
  expect(told.rows.map((r) => r.name)).toEqual(["C", "B", "A"]);
});

test("columns go by their attempts, and every row has one cell each", () => {
  const told = heat([row("A", "X", 10, 0.8), row("B", "Y", 90, 0.8), row("A", "Y", 5, 0.8)], "gateway", "issuer");
  expect(told.columns).toEqual(["Y", "X"]);
  expect(told.rows.map((r) => r.cells.map((cell) => cell?.row.attempts ?? null))).toEqual([
    [5, 10],
    [90, null],
  ]);
});

test("rows that are well stand still", () => {
  const a = heat([row("A", "X", 100, 0.79), row("B", "X", 100, 0.8)], "gateway", "issuer");
  const b = heat([row("A", "X", 100, 0.8), row("B", "X", 100, 0.79)], "gateway", "issuer");
  expect(a.rows.map((r) => r.name)).toEqual(b.rows.map((r) => r.name));
});

test("nothing in, nothing out", () => {
  expect(heat([], "gateway", "issuer")).toEqual({ rows: [], columns: [] });
});

test("a thin row whose cells say little is judged as a whole, and leads", () => {
  const thin = ["W", "X", "Y", "Z"].map((issuer) => row("P", issuer, 15, 0.1));
  const whole: RouteRow = { ...row("P", "", 60, 0.1), slice: { gateway: "P" } };
  const told = heat([...thin, row("A", "X", 500, 0.8)], "gateway", "issuer", [whole]);
  expect(told.rows.map((r) => [r.name, r.whole?.level ?? null])).toEqual([
    ["P", 4],
    ["A", null],
  ]);
  expect(told.rows[0]?.cells.every((cell) => cell?.level === 0)).toBe(true);
});

test("what an open incident names stays on top, even when its traffic has been led elsewhere", () => {
  const data = [row("A", "X", 1, 0), row("B", "X", 500, 0.6), row("C", "X", 500, 0.8)];
  expect(heat(data, "gateway", "issuer").rows.map((r) => r.name)).toEqual(["B", "A", "C"]);
  const told = heat(data, "gateway", "issuer", [], [{ gateway: "A" }, { issuer: "Y" }]);
  expect(told.rows.map((r) => [r.name, r.failing])).toEqual([["A", true], ["B", false], ["C", false]]);
});
