/**
 * The event stream: one connection, resumed where it stopped.
 *
 * By `fetch` and not by `EventSource`, because that can't send a key, hides why it was refused, and notices a silent death of the connection only
 * when the system does. The server pings every 15 s and tells the routes each second, so silence means that the connection is gone.
 */
import { createParser } from "eventsource-parser";

/** What has come. */
export type Told = { kind: string; id: number | null; data: unknown };

export type Connection =
  | { state: "connecting" }
  | { state: "live" }
  | { state: "lost"; since: number; retryAt: number; why: string }
  | { state: "refused"; why: string };

export type Options = {
  url: string;
  headers: () => Record<string, string>;
  onEvent: (event: Told) => void;
  onState: (connection: Connection) => void;
  /** Begin behind this event, as if it had been the last. */
  last?: number;
  fetch?: typeof fetch;
  /** Silence after which the connection counts as gone, ms. */
  silenceMs?: number;
  wait?: (ms: number, signal: AbortSignal) => Promise<void>;
};

const SILENCE_MS = 20_000;
const WAIT_MS_MIN = 500;
const WAIT_MS_MAX = 10_000;

/** Time until the next try: doubled each time, and a little by chance, so that a hundred pages don't come at once. */
export function waitMs(tries: number, chance: number): number {
  return Math.min(WAIT_MS_MAX, WAIT_MS_MIN * 2 ** Math.min(tries, 10)) * (0.75 + chance / 2);
}

/** Follows the stream until it is stopped. */
export function follow(options: Options): () => void {
  const stop = new AbortController();
  void run(options, stop.signal);
  return () => stop.abort();
}

async function run(options: Options, stopped: AbortSignal): Promise<void> {
  const wait = options.wait ?? sleep;
  let last: number | null = options.last ?? null;
  let tries = 0;
  let lostAt: number | null = null;
  options.onState({ state: "connecting" });
  while (!stopped.aborted) {
    let why = "the connection ended";
    try {
      await once(options, stopped, last, (event) => {
        if (tries > 0 || lostAt !== null) {
          tries = 0;
          lostAt = null;
        }
        if (event.id !== null) last = event.id;
        if (event.kind === "reset") last = null;
        options.onEvent(event);
      });
    } catch (error) {
      if (error instanceof Refused) {
        options.onState({ state: "refused", why: error.message });
        return;
      }
      why = error instanceof Error ? error.message : String(error);
    }
    // `stopped` changes while we wait, which the compiler can't know.
    if ((stopped as { aborted: boolean }).aborted) return;
    lostAt ??= Date.now();
    const ms = waitMs(tries, Math.random());
    tries += 1;
    options.onState({ state: "lost", since: lostAt, retryAt: Date.now() + ms, why });
    await wait(ms, stopped);
  }
}

/** The key isn't taken: to try again changes nothing. */
class Refused extends Error {}

async function once(
  options: Options,
  stopped: AbortSignal,
  last: number | null,
  onEvent: (event: Told) => void,
): Promise<void> {
  const silence = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const heard = () => {
    clearTimeout(timer);
    timer = setTimeout(
      () => silence.abort(new Error("nothing was heard for too long")),
      options.silenceMs ?? SILENCE_MS,
    );
  };
  heard();
  try {
    const response = await (options.fetch ?? fetch)(options.url, {
      headers: {
        accept: "text/event-stream",
        ...options.headers(),
        ...(last === null ? {} : { "last-event-id": String(last) }),
      },
      cache: "no-store",
      credentials: "same-origin",
      signal: AbortSignal.any([stopped, silence.signal]),
    });
    if (response.status === 401 || response.status === 403) {
      throw new Refused(`the server answered ${response.status}`);
    }
    if (!response.ok || response.body === null) throw new Error(`the server answered ${response.status}`);
    options.onState({ state: "live" });
    const parser = createParser({
      onEvent: ({ id, event, data }) => {
        const number = id === undefined ? null : Number(id);
        onEvent({ kind: event ?? "message", id: number, data: JSON.parse(data) as unknown });
      },
    });
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      heard();
      parser.feed(value);
    }
  } finally {
    clearTimeout(timer);
  }
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
    // A machine that is back online needn't wait.
    if (typeof window !== "undefined") window.addEventListener("online", () => resolve(), { once: true, signal });
  });
}
