import { expect, test } from "vitest";

import { changesOf, limitText } from "./limits";

const before = { shift_share_max: 0.3, steps: [0.05, 0.2, 0.5, 1], name: "x", is_on: true, money: null };

test("what is typed as it was is no change", () => {
  const typed = Object.fromEntries(Object.entries(before).map(([name, value]) => [name, limitText(value)]));
  expect(changesOf(before, typed)).toEqual({ changed: {}, wrong: [] });
  expect(changesOf(before, { shift_share_max: "0.30" })).toEqual({ changed: {}, wrong: [] });
});

test("changes keep their kind", () => {
  expect(changesOf(before, { shift_share_max: "0.2", steps: "[0.05, 1]", is_on: "false", money: "5" })).toEqual({
    changed: { shift_share_max: 0.2, steps: [0.05, 1], is_on: false, money: 5 },
    wrong: [],
  });
});

test("what can't be read is named", () => {
  expect(changesOf(before, { shift_share_max: "much", steps: "0.5", is_on: "1", name: "" }).wrong).toEqual(["shift_share_max", "steps", "is_on", "name"]);
});
