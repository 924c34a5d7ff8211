import { expect, test } from "vitest";

import type { Incident, Lost } from "../api/types";
import { headAndRest, sums } from "./sums";

const lost = (currency: string, minor: number): Lost => ({ currency, minor, minor_low: 0, minor_high: 0, minor_per_minute: minor / 10 });
const incident = (...all: Lost[]) => ({ impact: { lost: all } }) as unknown as Pick<Incident, "impact">;

test("each currency has a sum of its own", () => {
  const all = sums([incident(lost("INR", 100), lost("USD", 5)), incident(lost("INR", 50))], (one) => one.minor);
  expect(all).toEqual([
    { currency: "INR", minor: 150 },
    { currency: "USD", minor: 5 },
  ]);
});

test("one is large, however many there are", () => {
  const { head, rest } = headAndRest(sums([incident(lost("USD", 250), lost("GBP", 100), lost("JPY", 7))], (one) => one.minor));
  expect(head).toMatch(/2\.50/);
  expect(rest).toMatch(/^and .*1\.00.*7$/);
  expect(headAndRest([])).toEqual({ head: null, rest: "" });
});
