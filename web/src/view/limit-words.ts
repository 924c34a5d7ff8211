/** The guardrails' limits in words: what each is called, in what unit it is typed, and what it holds. */
export type Kind = "share" | "shares" | "count" | "evidence" | "evidences" | "time" | "money";

export type LimitWords = { label: string; kind: Kind; explains: string };

export const UNITS: Record<Kind, string> = {
  share: "In %.",
  shares: "In %, one after the other.",
  count: "",
  evidence: "An e-value.",
  evidences: "E-values, one after the other.",
  time: "Such as 90 s, 30 min or 4 h.",
  money: "In minor units per minute, such as INR 5000000.",
};

/** In groups, as somebody who sets them up thinks of them; what isn't here is shown by its key. */
export const GROUPS: { title: string; limits: Record<string, LimitWords> }[] = [
  {
    title: "Before it acts by itself",
    limits: {
      confidence_min: { label: "Confidence needed", kind: "share", explains: "Below it a plan waits for a person." },
      suspect_share_max: { label: "Routes that may look bad", kind: "share", explains: "If more do, it is us or the world, and a person decides." },
      failed_fixes_max: { label: "Failed fixes of an incident", kind: "count", explains: "After so many a person decides." },
      cooldown_ms: { label: "Pause between interventions", kind: "time", explains: "On the same slice, since the last one began or ended." },
      actions_per_hour_max: { label: "Interventions per hour", kind: "count", explains: "New ones on the same slice." },
      actions_per_day_max: { label: "Interventions per day", kind: "count", explains: "New ones on the same slice." },
      flips_per_hour_max: { label: "Changes of direction per hour", kind: "count", explains: "More of them on a slice hold it where it is." },
    },
  },
  {
    title: "How much it may move",
    limits: {
      shift_share_max: { label: "Of all traffic at once", kind: "share", explains: "All interventions together." },
      money_per_minute_max: { label: "Money on moved traffic", kind: "money", explains: "Per currency; empty is no limit." },
      headroom_use: { label: "Of a target's free capacity", kind: "share", explains: "The rest is left for what nobody planned." },
      probe_share: { label: "Stays on a path taken out", kind: "share", explains: "So that its recovery is seen." },
    },
  },
  {
    title: "How it grows, returns and is taken back",
    limits: {
      steps: { label: "Shares of the slice", kind: "shares", explains: "It grows from one to the next, as its test allows." },
      promote_e: { label: "Evidence for each further step", kind: "evidences", explains: "That the moved payments do better; without it a step is taken with probability 1/e at most." },
      harm_e: { label: "Evidence of harm", kind: "evidence", explains: "At which it is taken back, at any time." },
      home_e: { label: "Evidence that the path is well", kind: "evidence", explains: "At which traffic returns, anew at each step." },
      mismatch_e: { label: "Evidence that the arms are lopsided", kind: "evidence", explains: "Then nothing they say counts, and it is taken back." },
    },
  },
  {
    title: "How long it lasts",
    limits: {
      ttl_ms: { label: "Life without fresh evidence", kind: "time", explains: "Then it ends by itself." },
      ttl_max_ms: { label: "Life at most", kind: "time", explains: "With whatever evidence." },
      renew_e: { label: "Evidence that renews it", kind: "evidence", explains: "Of benefit, since it was last renewed." },
      approval_ttl_ms: { label: "A plan waits for approval", kind: "time", explains: "Then it is dropped." },
      approval_page_share: { label: "Of that time until it pages", kind: "share", explains: "A waiting plan then calls somebody." },
    },
  },
  {
    title: "When outcomes are missing",
    limits: {
      maturity_ms: { label: "An outcome is waited for", kind: "time", explains: "After that the payment counts as failed." },
      silent_payments_max: { label: "Payments without any outcome", kind: "count", explains: "So many in a row: telemetry is lost, and it goes back to what was proven." },
      silence_ms: { label: "Time without any attempt", kind: "time", explains: "After that telemetry counts as lost." },
    },
  },
];

const ALL: Record<string, LimitWords> = Object.assign({}, ...GROUPS.map((group) => group.limits)) as Record<string, LimitWords>;

export const limitWords = (name: string): LimitWords | undefined => ALL[name];

export const limitName = (name: string) => ALL[name]?.label ?? name.replaceAll("_", " ");
