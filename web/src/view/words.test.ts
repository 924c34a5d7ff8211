import { expect, test } from "vitest";

import { actionName, causeName, guardrailName, signalName, stateName, tone } from "./words";

test("a name that isn't known yet is said plainly, and not left out", () => {
  expect(causeName("lunar_eclipse")).toBe("Lunar eclipse");
  expect(actionName("call_home")).toBe("Call home");
  expect(signalName("noise_level")).toBe("noise level");
  expect(guardrailName("new_rule")).toBe("new rule");
  expect(stateName("rolled_back")).toBe("Rolled back");
  expect(tone("lunar")).toBe("quiet");
});

test("states that need somebody stand out", () => {
  expect([tone("open"), tone("pending"), tone("harm"), tone("resolved")]).toEqual(["bad", "warn", "bad", "good"]);
});
