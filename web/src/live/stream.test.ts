import { expect, test } from "vitest";

import type { Connection, Told } from "./stream";
import { follow, waitMs } from "./stream";

/** A server that answers each request with the next of these, and then with silence. */
function scripted(answers: (Response | Error)[]) {
  const asked: (string | null)[] = [];
  const fetch = (_: unknown, init?: RequestInit): Promise<Response> => {
    asked.push(new Headers(init?.headers).get("last-event-id"));
    const next = answers.shift();
    if (next instanceof Error) return Promise.reject(next);
    if (next !== undefined) return Promise.resolve(next);
    return new Promise((_, reject) => {
      init?.signal?.addEventListener("abort", () => reject(new Error("stopped")));
    });
  };
  return { fetch: fetch as typeof globalThis.fetch, asked };
}

async function played(answers: (Response | Error)[], until: (states: Connection[]) => boolean) {
  const { fetch, asked } = scripted(answers);
  const events: Told[] = [];
  const states: Connection[] = [];
  await new Promise<void>((resolve) => {
    const stop = follow({
      url: "/v1/stream",
      headers: () => ({}),
      fetch,
      wait: () => Promise.resolve(),
      onEvent: (event) => events.push(event),
      onState: (state) => {
        states.push(state);
        if (until(states)) resolve();
      },
    });
    setTimeout(() => {
      stop();
      resolve();
    }, 200);
  });
  return { asked, events, states: states.map((s) => s.state) };
}

const lost = (n: number) => (states: Connection[]) => states.filter((s) => s.state === "lost").length >= n;

test("goes on behind the last id, and events without one don't move it", async () => {
  const first = new Response('id: 7\nevent: incident\ndata: {"id":"inc_1"}\n\nevent: routes\ndata: {"data":[]}\n\n: ping\n\n');
  const second = new Response('id: 8\nevent: policy\ndata: {}\n\n');
  const { asked, events, states } = await played([first, new Error("down"), second], lost(3));
  expect(asked.slice(0, 3)).toEqual([null, "7", "7"]);
  expect(events.map((e) => [e.kind, e.id])).toEqual([["incident", 7], ["routes", null], ["policy", 8]]);
  expect(events[0]?.data).toEqual({ id: "inc_1" });
  expect(states.slice(0, 5)).toEqual(["connecting", "live", "lost", "lost", "live"]);
});

test("a reset begins anew", async () => {
  const first = new Response('id: 7\nevent: policy\ndata: {}\n\n');
  const second = new Response('event: reset\ndata: {"oldest_id":90}\n\n');
  const { asked } = await played([first, second, new Error("down")], lost(3));
  expect(asked.slice(0, 3)).toEqual([null, "7", null]);
});

test("a key that is refused isn't tried again", async () => {
  const { asked, states } = await played([new Response("", { status: 401 })], (s) => s.at(-1)?.state === "refused");
  expect(asked.length).toBe(1);
  expect(states).toEqual(["connecting", "refused"]);
});

test("waits longer each time, within bounds", () => {
  expect(waitMs(0, 0.5)).toBe(500);
  expect(waitMs(3, 0.5)).toBe(4_000);
  expect(waitMs(1_000, 1)).toBe(12_500);
});
