import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { hear, serverNow } from "./now";

const START = Date.parse("2026-03-01T10:00:00Z");
const at = (seconds: number) => new Date(START + seconds * 1_000).toISOString();

beforeEach(() => {
  vi.useFakeTimers({ now: START });
  hear(at(60));
  hear(at(0));
});
afterEach(() => vi.useRealTimers());

test("a message's way is no other clock", () => {
  vi.setSystemTime(START + 10_000);
  hear(at(9.2));
  expect(serverNow()).toBe(START + 10_000);
});

test("a clock that runs ahead is followed, and goes on between two tellings", () => {
  hear(at(20));
  expect(serverNow()).toBe(START + 20_000);
  vi.setSystemTime(START + 1_000);
  expect(serverNow()).toBe(START + 21_000);
  hear(at(40));
  expect(serverNow()).toBe(START + 40_000);
});

test("what is no time changes nothing", () => {
  hear("soon");
  expect(serverNow()).toBe(START);
});
