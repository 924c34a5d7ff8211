import { afterEach, beforeEach, expect, test, vi } from "vitest";

import type { Incident } from "../api/types";
import { news, said, saying } from "./saying";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const incident = (id: string, gateway: string) => ({ id, slice: { gateway }, cause: "issuer_degradation" }) as unknown as Incident;

test("sentences that come together are said together, and each once", () => {
  saying("Incidents");
  saying("New incident");
  expect(said()).toBe("");
  vi.advanceTimersByTime(1_000);
  expect(said()).toBe("Incidents. New incident");
  saying("Learning");
  vi.advanceTimersByTime(1_000);
  expect(said()).toBe("Learning");
});

test("news are what was not there before, and what is no longer", () => {
  const [a, b] = [incident("inc_1", "PAYU"), incident("inc_2", "STRIPE")];
  expect(news([a], [a])).toEqual([]);
  expect(news([a], [b])).toEqual(["New incident: gateway STRIPE, The bank", "Incident over: gateway PAYU"]);
});
