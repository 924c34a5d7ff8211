import { expect, test } from "vitest";

import { apart, place, scale } from "./scatter";

test("every value lies on the axis, whose ticks are round and even", () => {
  for (const values of [[3, 7], [0.81, 0.93], [120, 4_800], [5], [0.5, 0.5]]) {
    const s = scale(values);
    for (const value of values) expect(value >= s.low && value <= s.high).toBe(true);
    expect(s.ticks.length).toBeGreaterThan(1);
    const steps = s.ticks.slice(1).map((tick, i) => tick - (s.ticks[i] ?? 0));
    for (const step of steps) expect(step).toBeCloseTo(steps[0] ?? 0, 9);
  }
});

test("ends can be fixed", () => {
  expect(scale([200, 900], 0).low).toBe(0);
  expect(scale([0, 0.9], null, 1).low).toBe(0);
  expect(scale([0.9, 0.99], null, 1).high).toBeLessThanOrEqual(1);
});

test("places run from one end to the other", () => {
  const s = scale([0, 10], 0);
  expect(place(s, s.low, 50, 500)).toBe(50);
  expect(place(s, s.high, 50, 500)).toBe(500);
  expect(place(s, s.low, 400, 20)).toBe(400);
});

test("names don't lie on each other, and stay where they have room", () => {
  const wanted = [10, 12, 11, 14, 200].map((y) => ({ x: 0, y, width: 60 }));
  const got = apart(wanted, 14).sort((a, b) => a - b);
  for (const [i, y] of got.slice(1).entries()) expect(y - (got[i] ?? 0)).toBeGreaterThanOrEqual(14);
  expect(apart(wanted, 14)[4]).toBe(200);
  expect(apart([{ x: 0, y: 10, width: 20 }, { x: 30, y: 10, width: 20 }], 14)).toEqual([10, 10]);
});
