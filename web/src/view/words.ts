/** The interface's names in the words of the page. */
const CAUSES: Record<string, string> = {
  user_related: "Payers themselves",
  issuer_degradation: "The bank",
  network_or_system_failure: "Network or gateway failure",
  misconfiguration: "Our own configuration",
  suspected_fraud: "Suspected fraud",
  unknown: "Cause not decided",
};

const ACTIONS: Record<string, string> = {
  reroute: "Reroute",
  adjust_retry: "Adjust retries",
  suppress_path: "Take path out",
  alert: "Tell a person",
  no_action: "No action",
};

const SIGNALS: Record<string, string> = {
  success_rate: "success rate",
  latency: "latency",
  error_mix: "mix of errors",
  volume: "volume",
};

const MODES: Record<string, string> = {
  shadow: "Computed and scored, obeyed by nobody",
  advise: "Shown as advice",
  approve: "Waits for a person",
  auto: "Acts, if every guardrail lets it pass",
};

const GUARDRAILS: Record<string, string> = {
  confidence: "not sure enough",
  scope: "the loss may not be the gateway's own",
  burst: "a burst that hasn't lasted a minute",
  suspect_share: "too many routes look bad",
  failed_fixes: "fixes have failed before",
  target: "no target is well and free",
  overlap: "another intervention holds payments of it",
  shift_share: "too much traffic would move",
  money: "too much money would move",
  cooldown: "too soon after the last",
  actions: "too many actions on this slice",
  flips: "too many changes of direction",
  freeze: "a freeze window is on",
  telemetry: "outcomes are missing",
  steps: "the next step's test hasn't allowed it",
  ttl: "its time is up",
  empty_slice: "the slice is empty",
  mode: "the mode doesn't let it act",
  turned_down: "a person has said no",
  kill_switch: "the kill switch is engaged",
};

/** As a sentence begins. */
export const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);

const plain = (name: string) => {
  const text = name.replaceAll("_", " ");
  return capital(text);
};

export const causeName = (cause: string) => CAUSES[cause] ?? plain(cause);
export const actionName = (action: string) => ACTIONS[action] ?? plain(action);
export const signalName = (signal: string) => SIGNALS[signal] ?? plain(signal).toLowerCase();
export const modeMeaning = (mode: string) => MODES[mode] ?? "";
export const guardrailName = (guardrail: string) => GUARDRAILS[guardrail] ?? plain(guardrail).toLowerCase();
export const stateName = plain;

/** How a state looks: by its sign and word, never by colour alone. */
export type Tone = "bad" | "warn" | "good" | "info" | "quiet";

const TONES: Record<string, Tone> = {
  open: "bad",
  mitigated: "warn",
  resolved: "good",
  pending: "warn",
  active: "info",
  completed: "good",
  rejected: "quiet",
  rolled_back: "bad",
  expired: "quiet",
  benefit: "good",
  harm: "bad",
  recovered: "good",
  inconclusive: "quiet",
  sample_ratio_mismatch: "bad",
  helped: "good",
  harmed: "bad",
  no_effect: "quiet",
  low: "good",
  medium: "warn",
  high: "bad",
};

export const tone = (state: string): Tone => TONES[state] ?? "quiet";
