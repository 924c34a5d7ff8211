/** The pages, their addresses and keys; `crates/server/src/http/page.rs` knows the same first parts. */
export type Place = { path: string; name: string; key: string; about: string; isDemo?: boolean };

export const PLACES: Place[] = [
  { path: "/health", name: "Network health", key: "1", about: "Success against expected, by route" },
  { path: "/map", name: "Performance map", key: "2", about: "Latency against success, by route" },
  { path: "/incidents", name: "Incidents", key: "3", about: "What is failing and what it costs" },
  { path: "/actions", name: "Actions", key: "4", about: "What is being done, and how to undo it" },
  { path: "/learning", name: "Learning", key: "5", about: "Beliefs and lessons" },
  { path: "/decisions", name: "Decisions", key: "6", about: "The cycle log" },
  { path: "/routing", name: "Routing", key: "7", about: "Gateways, codes, roll-out, one payment" },
  { path: "/settings", name: "Settings", key: "8", about: "Modes, limits, people, audit" },
  { path: "/break", name: "Break something", key: "9", about: "Strike the simulated network", isDemo: true },
];
