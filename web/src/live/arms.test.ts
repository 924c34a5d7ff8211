import { expect, test } from "vitest";

import { sequences } from "../view/converge";
import { Standings } from "./arms";
import type { Told } from "./stream";

const arm = (name: string, attempts: number, successes: number, low: number, high: number) => ({ name, attempts, successes, pending: 0, rate_low: low, rate_high: high, e_harm: 1, e_benefit: 1 });
const event = (id: string, attempts: number): Told => ({ kind: "experiment", id: attempts, data: { id, arms: [arm("control", attempts, 0, 0, 0.5), arm("treatment", attempts, attempts, 0.5, 1)] } });

test("what the stream and its past tell of an experiment is in order, each once, and none of another's", () => {
  const all = new Standings();
  let told = 0;
  all.listen(() => (told += 1));
  for (const one of [event("x_1", 30), event("x_1", 10), event("x_2", 7), event("x_1", 30), event("x_1", 20)]) all.add(one);
  all.add({ kind: "incident", id: 1, data: { id: "x_1" } });
  expect(all.of("x_1").map((s) => s.arms[0]?.attempts)).toEqual([10, 20, 30]);
  expect(told).toBe(4);
  expect(all.of("x_9")).toBe(all.of("x_8"));
});

test("each arm has its interval over the attempts of both", () => {
  const told = sequences([{ arms: [arm("control", 10, 5, 0.2, 0.8), arm("treatment", 0, 0, 0, 1)] }, { arms: [arm("control", 30, 15, 0.4, 0.6), arm("treatment", 10, 9, 0.6, 1)] }]);
  expect(told.map((s) => s.name)).toEqual(["control", "treatment"]);
  expect(told[0]?.points).toEqual([
    { n: 10, rate: 0.5, low: 0.2, high: 0.8 },
    { n: 40, rate: 0.5, low: 0.4, high: 0.6 },
  ]);
  expect(told[1]?.points[0]?.rate).toBeNull();
});
