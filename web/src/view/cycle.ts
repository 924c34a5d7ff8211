/** The strict text of a cycle, line by line. Steps that carry on what was diagnosed before say only what they do and why. */
import type { Decision } from "../api/types";

export type CycleLine = { field: string | null; text: string };

type Told = Pick<Decision, "text" | "proposed_action" | "risk" | "confidence">;

export const cycleText = (d: Told): string =>
  d.text ?? [`Proposed Action: ${d.proposed_action}`, `Risk Assessment: ${d.risk}`, `Confidence Score: ${d.confidence.toFixed(2)}`].join("\n");

const FIELDS = ["Diagnosis", "Evidence", "Proposed Action", "Risk Assessment", "Confidence Score", "Recommendation"];

export function cycleLines(d: Told): CycleLine[] {
  return cycleText(d)
    .split("\n")
    .map((line) => {
      const field = FIELDS.find((name) => line.startsWith(`${name}: `));
      return field === undefined ? { field: null, text: line } : { field, text: line.slice(field.length + 2) };
    });
}
