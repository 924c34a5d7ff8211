import { expect, test } from "vitest";

import { GROUPS } from "./limit-words";
import { changesOf, limitText } from "./limits";

const before = {
  confidence_min: 0.8,
  probe_share: 0.07,
  steps: [0.05, 0.2, 0.5, 1],
  promote_e: [3, 10, 20],
  ttl_ms: 1_800_000,
  silence_ms: 1_500,
  money_per_minute_max: { INR: 5_000_000 },
  actions_per_hour_max: 3,
  new_name: "x",
  new_flag: true,
  new_none: null,
};

test("in words and units, not as the interface has them", () => {
  const text = (name: keyof typeof before) => limitText(name, before[name]);
  expect(text("confidence_min")).toBe("80");
  expect(text("probe_share")).toBe("7");
  expect(text("steps")).toBe("5, 20, 50, 100");
  expect(text("ttl_ms")).toBe("30 min");
  expect(limitText("ttl_max_ms", 16_230_000)).toBe("4 h 30 min 30 s");
  expect(text("silence_ms")).toBe("1 s 500 ms");
  expect(text("money_per_minute_max")).toBe("INR 5000000");
  expect(text("new_flag")).toBe("true");
});

test("what is typed as it was is no change", () => {
  const typed = Object.fromEntries(Object.entries(before).map(([name, value]) => [name, limitText(name, value)]));
  expect(changesOf(before, typed)).toEqual({ changed: {}, wrong: [] });
  expect(changesOf(before, { confidence_min: "80.0 %", ttl_ms: "0.5h", steps: "5,20,50,100", probe_share: "7" })).toEqual({ changed: {}, wrong: [] });
});

test("changes are told as the interface takes them", () => {
  const typed = {
    confidence_min: "92.5",
    steps: "5, 100",
    ttl_ms: "1 h 30 min",
    silence_ms: "90s",
    money_per_minute_max: "",
    promote_e: "3, 30, 300",
    actions_per_hour_max: "2",
    new_flag: "false",
    new_none: "5",
  };
  expect(changesOf(before, typed)).toEqual({
    changed: {
      confidence_min: 0.925,
      steps: [0.05, 1],
      ttl_ms: 5_400_000,
      silence_ms: 90_000,
      money_per_minute_max: {},
      promote_e: [3, 30, 300],
      actions_per_hour_max: 2,
      new_flag: false,
      new_none: 5,
    },
    wrong: [],
  });
});

test("what can't be read is named", () => {
  const typed = { confidence_min: "much", steps: "5, half", ttl_ms: "30", money_per_minute_max: "5 rupees", actions_per_hour_max: "", new_flag: "1", new_name: "" };
  expect(changesOf(before, typed).wrong).toEqual(Object.keys(typed));
});

test("each limit has its words once", () => {
  const names = GROUPS.flatMap((group) => Object.keys(group.limits));
  expect(new Set(names).size).toBe(names.length);
});
