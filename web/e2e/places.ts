/** Every page, as it is visited by those tests that look at all of them. */
import type { Page } from "@playwright/test";

import { PLACES } from "../src/shell/places";

export type Visit = { name: string; path: string };

type List = { data: { id: string; payment_id?: string }[] };

async function first(page: Page, url: string, path: string): Promise<string | null> {
  const answer = (await (await page.request.get(url + path)).json()) as List;
  return answer.data[0]?.id ?? null;
}

/** A payment of ours, as a caller makes it: routed, and tried where that led. */
export async function somethingPaid(page: Page, url: string): Promise<string> {
  const payment_id = `pay_${Date.now()}`;
  const { data: routes } = (await (await page.request.get(`${url}/v1/routes?by=gateway`)).json()) as { data: { slice: { gateway: string } }[] };
  const payment = { payment_id, merchant_id: "merchant_01", method: "card", network: "VISA", issuer: "ICICI", country: "IN", amount: { minor: 249_900, currency: "INR" } };
  const ask = { ...payment, attempt_number: 1, candidates: routes.map((row) => row.slice.gateway).slice(0, 4) };
  const routed = await page.request.post(`${url}/v1/route`, { data: ask });
  if (!routed.ok()) throw new Error(await routed.text());
  const { gateway, decision_id } = (await routed.json()) as { gateway: string; decision_id: string };
  const { now } = (await (await page.request.get(`${url}/v1/routes?limit=1`)).json()) as { now: string };
  const attempt = { ...payment, attempt_id: `${payment_id}_1`, attempt_number: 1, occurred_at: now, gateway, decision_id, status: "declined", code: { source: "iso8583", value: "91" }, latency_ms: 840 };
  const told = await page.request.post(`${url}/v1/events`, { data: attempt });
  if (!told.ok()) throw new Error(await told.text());
  return payment_id;
}

/** The places, their tabs, and one object of each kind. */
export async function visits(page: Page, url: string): Promise<Visit[]> {
  const all: Visit[] = PLACES.map((place) => ({ name: place.path.slice(1), path: place.path }));
  const incident = await first(page, url, "/v1/incidents?limit=1");
  const action = await first(page, url, "/v1/interventions?limit=1");
  if (incident !== null) all.push({ name: "incident", path: `/incidents/${incident}` });
  if (action !== null) all.push({ name: "action", path: `/actions/${action}` });
  const { beliefs } = (await (await page.request.get(`${url}/v1/memory`)).json()) as { beliefs: Record<string, unknown> };
  const believed = Object.keys(beliefs)[0];
  if (believed !== undefined) all.push({ name: "belief", path: `/learning?belief=${encodeURIComponent(believed)}` });
  all.push(
    { name: "slice", path: "/health?slice=gateway%3APAYU" },
    { name: "codes", path: "/routing?tab=codes" },
    { name: "rollout", path: "/routing?tab=rollout" },
    { name: "payment", path: `/routing?tab=payment&payment=${await somethingPaid(page, url)}` },
    { name: "settings-people", path: "/settings?tab=people" },
    { name: "settings-alerts", path: "/settings?tab=alerts" },
    { name: "settings-audit", path: "/settings?tab=audit" },
    { name: "sign-in", path: "/sign-in" },
    { name: "nowhere", path: "/incidents/inc_999999" },
  );
  return all;
}

async function until(what: string, is: () => Promise<boolean>, ms: number): Promise<void> {
  const end = Date.now() + ms;
  while (Date.now() < end) {
    if (await is()) return;
    await new Promise((done) => setTimeout(done, 500));
  }
  throw new Error(`in ${ms / 1_000} s ${what}`);
}

async function strike(page: Page, url: string, gateway: string, duration_s: number): Promise<void> {
  await page.request.post(`${url}/v1/demo/outages`, { data: { slice: { gateway }, severity: 0.9, duration_s } });
}

/** A policy is rolled out that tries more: its A/A stage is over soon, its first step isn't. */
export async function somethingRolledOut(page: Page, url: string): Promise<void> {
  const plan = { same_payments: 300, steps: [0.2, 0.5], maturity_ms: 10_000, guards: ["fraud_declined", { slower_than_ms: 3_000 }] };
  const begun = await page.request.post(`${url}/v1/policy/rollout`, { data: { routing: { learning: "explore", floor: 0.1 }, plan } });
  if (!begun.ok()) throw new Error(await begun.text());
}

/** An outage has come and gone, and what was learnt from it is there. */
export async function somethingSurvived(page: Page, url: string): Promise<void> {
  await strike(page, url, "RAZORPAY", 300);
  const isOver = async () => {
    const told = (await (await page.request.get(`${url}/v1/calibration`)).json()) as { decided: number; undecided: number };
    return told.decided + told.undecided > 0;
  };
  await until("no experiment ended", isOver, 240_000);
}

/** Something has broken, was found and is being survived, so that no page is empty. */
export async function somethingBroken(page: Page, url: string): Promise<void> {
  await strike(page, url, "PAYU", 1_800);
  // Of a bank nothing can be led elsewhere: a plan of fewer retries may wait for a person.
  await page.request.post(`${url}/v1/demo/outages`, { data: { slice: { issuer: "HDFC", network: "VISA" }, severity: 0.6, duration_s: 1_800 } });
  const isDone = async () => (await first(page, url, "/v1/interventions?limit=1&status=active")) !== null;
  await until("nothing was done about the outage", isDone, 120_000);
}
