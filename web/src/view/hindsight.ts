/** What would have come of a plan that nobody was let follow, in words. */
import type { Decision } from "../api/types";
import { points, rough, SURE } from "./format";

const VERDICTS: Record<string, string> = { helped: "It would have helped", harmed: "It would have harmed", undecided: "The counts don't say whether it would have helped" };

export function hindsightWords({ verdict, gain, gain_low, gain_high, attempts }: NonNullable<Decision["hindsight"]>): string {
  return `${VERDICTS[verdict] ?? verdict}: ${points(gain)} of approval for what it would have moved (${SURE} ${points(gain_low)} to ${points(gain_high)}), seen on ${rough(attempts)} attempts that stayed.`;
}
