/** Every page, as it is visited by those tests that look at all of them. */
import type { Page } from "@playwright/test";

import { PLACES } from "../src/shell/places";

export type Visit = { name: string; path: string };

type List = { data: { id: string; payment_id?: string }[] };

async function first(page: Page, url: string, path: string): Promise<string | null> {
  const answer = (await (await page.request.get(url + path)).json()) as List;
  return answer.data[0]?.id ?? null;
}

/** The places, their tabs, and one object of each kind. */
export async function visits(page: Page, url: string): Promise<Visit[]> {
  const all: Visit[] = PLACES.map((place) => ({ name: place.path.slice(1), path: place.path }));
  const incident = await first(page, url, "/v1/incidents?limit=1");
  const action = await first(page, url, "/v1/interventions?limit=1");
  if (incident !== null) all.push({ name: "incident", path: `/incidents/${incident}` });
  if (action !== null) all.push({ name: "action", path: `/actions/${action}` });
  all.push(
    { name: "slice", path: "/health?slice=gateway%3APAYU" },
    { name: "codes", path: "/routing?tab=codes" },
    { name: "payment", path: "/routing?tab=payment" },
    { name: "settings-people", path: "/settings?tab=people" },
    { name: "settings-alerts", path: "/settings?tab=alerts" },
    { name: "settings-audit", path: "/settings?tab=audit" },
    { name: "sign-in", path: "/sign-in" },
    { name: "nowhere", path: "/incidents/inc_999999" },
  );
  return all;
}

/** Something has broken, was found and is being survived, so that no page is empty. */
export async function somethingBroken(page: Page, url: string): Promise<void> {
  const data = { slice: { gateway: "PAYU" }, severity: 0.9, duration_s: 1_800 };
  await page.request.post(`${url}/v1/demo/outages`, { data });
  const until = Date.now() + 120_000;
  while (Date.now() < until) {
    if ((await first(page, url, "/v1/interventions?limit=1")) !== null) return;
    await new Promise((done) => setTimeout(done, 500));
  }
  throw new Error("nothing was done about the outage");
}
