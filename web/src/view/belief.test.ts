import { expect, test } from "vitest";

import type { Belief } from "../api/types";
import { moveWords, pathOf, sparkline } from "./belief";

const START = Date.parse("2026-03-01T10:00:00Z");
const at = (ms: number) => new Date(START + ms).toISOString();

const belief = (moves: Belief["moves"], confidence: number): Belief => ({ slice: {}, confidence, times_seen: moves.length, last_seen: at(0), moves });
const two = belief(
  [
    { incident_id: "inc_1", at: at(0), before: 0, after: 0.8 },
    { incident_id: "inc_2", at: at(1_000), before: 0.4, after: 0.9 },
  ],
  0.7,
);

test("a belief goes up with each incident and fades until now", () => {
  expect(pathOf(two, START + 2_000)).toEqual([
    { at: START, confidence: 0 },
    { at: START, confidence: 0.8 },
    { at: START + 1_000, confidence: 0.4 },
    { at: START + 1_000, confidence: 0.9 },
    { at: START + 2_000, confidence: 0.7 },
  ]);
  expect(moveWords(two)).toBe("from 0.00 to 0.70 over 2 incidents");
  expect(sparkline(pathOf(two, START + 2_000), 100, 10)).toBe("0.0,10.0 0.0,2.0 50.0,6.0 50.0,1.0 100.0,3.0");
});

test("an incident that goes on has moved it since it was seen", () => {
  const one = belief([{ incident_id: "inc_1", at: null, before: 0, after: 0.5 }], 0.5);
  expect(pathOf(one, START + 1_000)).toEqual([
    { at: START, confidence: 0 },
    { at: START, confidence: 0.5 },
    { at: START + 1_000, confidence: 0.5 },
  ]);
  expect(moveWords(one)).toBe("from 0.00 to 0.50 over 1 incident");
});

test("a belief from elsewhere has no way", () => {
  const known = belief([], 0.5);
  expect(pathOf(known, START)).toEqual([{ at: START, confidence: 0.5 }]);
  expect(moveWords(known)).toBe("0.50, its way isn't known");
  expect(sparkline(pathOf(known, START), 100, 10)).toBe("0.0,5.0");
});
