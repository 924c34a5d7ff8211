/** What a cycle said, in the strict format, its fields to be found at a glance. */
import type { Decision } from "../api/types";
import { cycleLines } from "../view/cycle";

export function Cycle({ decision }: { decision: Decision }) {
  return (
    <pre className="cycle">
      {cycleLines(decision).map(({ field, text }, i) => (
        <span key={i} className="line">
          {field !== null && <b>{field}: </b>}
          {text}
          {"\n"}
        </span>
      ))}
    </pre>
  );
}
