import { expect, test } from "vitest";

import type { RouteRow } from "../api/types";
import { codes } from "./codes";

const row = (gateway: string, attempts: number, errors: Record<string, number>) =>
  ({ slice: { gateway }, attempts, errors: Object.entries(errors).map(([code, count]) => ({ source: code.split("/")[0], value: code.split("/")[1], count, cause: "network" })) }) as unknown as RouteRow;

test("what one gateway has and the others haven't rises there, and comes first", () => {
  const told = codes([row("A", 100, { "iso8583/51": 8, "transport/http_5xx": 40 }), row("B", 100, { "iso8583/51": 8, "transport/http_5xx": 1 })], null);
  expect(told[0]).toMatchObject({ gateway: "A", value: "http_5xx", part: 0.4, elsewhere: 0.01, before: null, rises: true });
  expect(told.filter((r) => r.rises)).toHaveLength(1);
});

test("what was there before doesn't rise, and what wasn't does", () => {
  const now = [row("A", 100, { "iso8583/91": 20 }), row("B", 100, {})];
  expect(codes(now, [row("A", 200, { "iso8583/91": 40 })])[0]).toMatchObject({ before: 0.2, rises: false });
  expect(codes(now, [row("A", 200, { "iso8583/91": 4 })])[0]).toMatchObject({ before: 0.02, rises: true });
});

test("a vocabulary that only one gateway speaks isn't compared with those that can't, and few are chance", () => {
  const told = codes([row("A", 100, { "stripe/do_not_honor": 10 }), row("B", 100, { "iso8583/05": 4 })], null);
  expect(told.find((r) => r.source === "stripe")).toMatchObject({ elsewhere: null, rises: false });
  expect(codes([row("A", 10, { "iso8583/91": 3 }), row("B", 10, { "iso8583/05": 1 })], null)[0]?.rises).toBe(false);
});
