/** What the calibration's numbers say, in words. */
import type { Calibration } from "../api/types";
import { count } from "./format";

/** Below this the intervals are wider than what they are about. */
const CASES_MIN = 30;

/** How far it can be trusted; null once there are enough cases. */
export function fewWords({ decided }: Calibration): string | null {
  if (decided >= CASES_MIN) return null;
  const n = decided === 1 ? "1 plan has" : `${count(decided)} plans have`;
  return `Only ${n} been decided so far: with fewer than ${CASES_MIN} the curve is a hint, and its intervals say how little it is.`;
}

/** The bins that hold something. */
export const filled = ({ bins }: Calibration) => bins.filter((bin) => bin.helped + bin.harmed + bin.undecided > 0);
