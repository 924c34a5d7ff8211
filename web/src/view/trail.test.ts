import { expect, test } from "vitest";

import { trail } from "./trail";

const minute = (attempts: number, latency_ms: number | null, success_rate: number | null) => ({ attempts, latency_ms, success_rate });

test("each spot is a mean of three minutes by their attempts, and lies among them", () => {
  const told = trail([minute(10, 100, 1), minute(30, 200, 0.5), minute(10, 300, 0), minute(20, 300, 0)]);
  expect(told).toEqual([{ x: 200, y: 0.5 }, { x: (30 * 200 + 30 * 300) / 60, y: 0.25 }]);
});

test("minutes of chance and without a rate are passed over", () => {
  expect(trail([minute(9, 100, 0), minute(50, null, 1), minute(50, 100, null), minute(50, 100, 1)])).toEqual([]);
});
