import { expect, test } from "vitest";

import { bothZones, confidence, count, evidence, localMoment, midnight, milliseconds, money, NONE, percent, points, rough, share, span } from "./format";

test("what isn't known is a dash, in every form", () => {
  for (const form of [count, rough, percent, share, confidence, evidence, points, milliseconds]) {
    expect([form(null), form(undefined)]).toEqual([NONE, NONE]);
  }
  expect(money(null, "INR")).toBe(NONE);
});

test("zero is a number", () => {
  expect(count(0)).toBe("0");
  expect(rough(-0.3)).toBe("0");
  expect(count(-0.3)).toBe("0");
  expect(evidence(0)).toBe("0");
  expect(percent(0)).toBe("0.0%");
});

test("points carry their sign, and a minus that is one", () => {
  expect(points(-0.1234)).toBe("−12.3 pt");
  expect(points(0.05)).toBe("+5.0 pt");
  expect(points(-0.0001), "nothing has none").toBe("0.0 pt");
  expect(count(-12)).toBe("−12");
});

test("money is in the currency's own minor units", () => {
  expect(money(12_345, "JPY")).toMatch(/12\.3k/i);
  expect(money(150, "USD")).toContain("1.50");
  expect(money(1_500, "KWD")).toContain("1.500");
  expect(money(123_456, "USD")).toMatch(/1,235$/);
  expect(money(9_990_000, "INR")).toMatch(/99\.9k/i);
});

test("evidence runs over orders of magnitude", () => {
  expect(evidence(20)).toBe("20");
  expect(evidence(1_234_567)).toBe("1.2e+6");
  expect(evidence(0.0001)).toBe("1.0e-4");
});

test("a length of time is told in its two largest units, and never below zero", () => {
  expect([-5, 0, 59_400, 60_000, 61_000, 3_600_000, 5_400_000, 49 * 3_600_000].map(span)).toEqual(["0 s", "0 s", "59 s", "1 min", "1 min 1 s", "1 h", "1 h 30 min", "2 d 1 h"]);
});

test("latency changes its unit at a second", () => {
  expect(milliseconds(999)).toBe("999 ms");
  expect(milliseconds(1_000)).toBe("1.0 s");
});

test("a moment of another day says its day, and both zones can be read", () => {
  const noon = Date.parse("2026-11-26T12:00:00Z");
  expect(localMoment(noon, noon)).not.toContain("Nov");
  expect(localMoment(noon, noon + 3 * 86_400_000)).toContain("Nov");
  expect(bothZones(noon)).toContain("2026-11-26 12:00:00 UTC");
});

test("a day begins at its midnight where the reader is", () => {
  const now = Date.parse("2026-11-26T12:34:56Z");
  const began = Date.parse(midnight(now));
  expect(new Date(began).getHours() + new Date(began).getMinutes()).toBe(0);
  expect(now - began).toBeLessThan(25 * 3_600_000);
  expect(midnight(began)).toBe(midnight(now));
});
