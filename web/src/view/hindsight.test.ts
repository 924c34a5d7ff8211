import { expect, test } from "vitest";

import { hindsightWords } from "./hindsight";

const judged = { at: "2026-09-21T09:50:00Z", verdict: "helped", attempts: 312.4, rate: 0.2, rate_elsewhere: 0.9, gain: 0.7, gain_low: 0.66, gain_high: 0.74 };

test("hindsight says whether, how much, and on how many", () => {
  const words = hindsightWords(judged);
  expect(words).toMatch(/^It would have helped: .*70/);
  expect(words).toContain("312 attempts");
  expect(hindsightWords({ ...judged, verdict: "undecided" })).toMatch(/^The counts don't say/);
});
