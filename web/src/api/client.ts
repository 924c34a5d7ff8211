/** The generated client, and its problems as errors. */
import createClient from "openapi-fetch";

import type { paths } from "./schema";
import type { ProblemBody } from "./types";

/** What went wrong, as the server said it. */
export class Problem extends Error {
  readonly status: number;
  readonly code: string;
  readonly requestId: string | null;

  constructor(status: number, body: Partial<ProblemBody> | undefined) {
    super(body?.detail ?? (status === 0 ? "the server can't be reached" : `the server answered ${status}`));
    this.status = status;
    this.code = body?.code ?? "unknown";
    this.requestId = body?.request_id ?? null;
  }
}

/** The key that was typed in; it lives as long as this page does and is written nowhere. */
let bearer: string | null = null;

export function setKey(secret: string | null): void {
  bearer = secret;
}

/** What a browser's session has to show with whatever changes something; no other site can read it. */
let csrf: string | null = null;

export function setCsrf(token: string | null): void {
  csrf = token;
}

/** Headers of a request that isn't made by the client. */
export function credentials(): Record<string, string> {
  if (bearer !== null) return { authorization: `Bearer ${bearer}` };
  return csrf === null ? {} : { "x-csrf-token": csrf };
}

export const api = createClient<paths>({ baseUrl: "/", credentials: "same-origin" });

api.use({
  onRequest({ request }) {
    for (const [name, value] of Object.entries(credentials())) request.headers.set(name, value);
    if (request.method === "POST") request.headers.set("idempotency-key", freshKey());
    return request;
  },
});

type Answer<T> = { data?: T; error?: unknown; response: Response };

/** The data of an answer, or its problem thrown. */
export async function told<T>(asked: Promise<Answer<T>>): Promise<T> {
  const { data, error, response } = await asked.catch((cause: unknown) => {
    throw Object.assign(new Problem(0, undefined), { cause });
  });
  if (!response.ok) throw new Problem(response.status, error as Partial<ProblemBody> | undefined);
  return data as T;
}

/** The same, with the answer's ETag. */
export async function tagged<T>(asked: Promise<Answer<T>>): Promise<{ value: T; tag: string }> {
  let tag = "*";
  const value = await told(
    asked.then((answer) => {
      tag = answer.response.headers.get("etag") ?? "*";
      return answer;
    }),
  );
  return { value, tag };
}

/** `crypto.randomUUID` is missing where a page comes by plain HTTP from another machine. */
function freshKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
