import { expect, test } from "vitest";

import type { Calibration } from "../api/types";
import { fewWords, filled } from "./calibration";

const bin = (helped: number, undecided = 0) => ({ from: 0.9, to: 1, helped, harmed: 0, undecided, said: null, rate: null, rate_low: null, rate_high: null });
const told = (decided: number, bins: Calibration["bins"] = []): Calibration => ({ decided, helped: decided, harmed: 0, undecided: 0, in_hindsight: 0, ece: null, ece_undecided_harmed: null, bins });

test("few cases are said to be few", () => {
  expect(fewWords(told(0))).toMatch(/^Only 0 plans have/);
  expect(fewWords(told(1))).toMatch(/^Only 1 plan has/);
  expect(fewWords(told(29))).toMatch(/hint/);
  expect(fewWords(told(30))).toBeNull();
});

test("bins with nothing in them are left out", () => {
  expect(filled(told(3, [bin(0), bin(3), bin(0, 1)]))).toHaveLength(2);
});
