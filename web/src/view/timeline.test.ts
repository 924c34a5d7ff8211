import { expect, test } from "vitest";

import { course, spanOf } from "./timeline";

const at = (minute: number, second = 0) => new Date(Date.UTC(2026, 0, 1, 12, minute, second)).toISOString();
const point = (minute: number, second: number, successes: number) => ({ at: at(minute, second), attempts: 10, successes, expected: 8 });
const rollup = (minute: number, success_rate: number | null) => ({ at: at(minute), attempts: 100, success_rate });

test("before and after what the timeline tells stand the roll-ups, and nothing is told twice", () => {
  const told = course([point(20, 0, 2), point(20, 30, 1), point(21, 0, 1)], [rollup(18, 0.9), rollup(19, 0.9), rollup(20, 0.15), rollup(21, 0.1), rollup(22, 0.85)], 0.9);
  expect(told.times.map((t) => new Date(t).toISOString())).toEqual([at(18), at(19), at(20), at(20, 30), at(21), at(22)]);
  expect(told.observed).toEqual([0.9, 0.9, 0.2, 0.1, 0.1, 0.85]);
  expect(told.expected).toEqual([0.9, 0.9, 0.8, 0.8, 0.8, 0.8]);
});

test("a time without attempts has no rate", () => {
  expect(course([], [rollup(1, null)], null)).toEqual({ times: [Date.parse(at(1))], observed: [null], expected: [null] });
});

test("the question stays the same within a step, and never asks for more than a few hundred points", () => {
  const started = Date.parse(at(30, 17));
  const early = spanOf(started, null, started + 60_000);
  expect(spanOf(started, null, started + 61_000)).toEqual(early);
  expect(early.from).toBeLessThan(started - 15 * 60_000);
  for (const [hours, step] of [[1, "60s"], [10, "5m"], [100, "1h"]] as const) {
    expect(spanOf(started, null, started + hours * 3_600_000).step).toBe(step);
  }
  const over = spanOf(started, started + 300_000, started + 90 * 86_400_000);
  expect(over.to - started).toBeLessThan(20 * 60_000);
});

test("what is left of a slice whose traffic was led elsewhere is a gap, and no rate", () => {
  const led = { ...rollup(22, 1), attempts: 3 };
  expect(course([point(20, 0, 2)], [rollup(18, 0.9), rollup(19, 0.9), led, rollup(23, 0.8)], 0.9).observed).toEqual([0.9, 0.9, 0.2, null, 0.8]);
});
