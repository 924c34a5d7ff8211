import { expect, test } from "vitest";

import { cycleLines, cycleText } from "./cycle";

const step = { text: null, proposed_action: "reroute 5 % of the slice from A to B - the incident is over", risk: "low", confidence: 0.9504 };

test("a step home says what it does, not only that the incident is over", () => {
  expect(cycleLines(step).map((line) => line.field)).toEqual(["Proposed Action", "Risk Assessment", "Confidence Score"]);
  expect(cycleText(step)).toContain("reroute 5 % of the slice from A to B - the incident is over");
  expect(cycleText(step)).toContain("Confidence Score: 0.95");
});

test("the strict text is shown as it was said, to the letter", () => {
  const text = "Diagnosis: x at {a: b}\nEvidence: p: q\nNote: none of the fields";
  const lines = cycleLines({ ...step, text });
  expect(lines.map((line) => (line.field === null ? line.text : `${line.field}: ${line.text}`)).join("\n")).toBe(text);
  expect(lines[2]?.field).toBeNull();
});
