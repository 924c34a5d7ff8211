/** What single pages tell: what payers do, limits in words, the server's time. */
import { expect, test } from "@playwright/test";

import { Demo } from "./demo";
import { go, open } from "./steps";

let demo: Demo;

test.beforeAll(async () => {
  demo = await Demo.start();
});

test.afterAll(async () => {
  await demo.end();
});

test("the map tells what payers do on the route that is chosen", async ({ page }) => {
  await open(page, `${demo.url}/map`);
  await page.getByRole("button", { name: /^gateway PAYU: / }).click();
  const chosen = page.getByRole("region", { name: "gateway PAYU" });
  const payers = chosen.getByRole("region", { name: "What payers do" });
  await expect(payers).toContainText(/Tried again\s*[\d.]+%/);
  await expect(payers).toContainText(/by another method\s*[\d.]+%/);
  await expect(payers).toContainText(/Abandoned\s*[\d.]+%/);
  await expect(payers).toContainText(/[\d,]+ payments with an attempt here/);
  await payers.getByRole("radio", { name: "1h" }).click();
  await expect(page).toHaveURL(/behaviour=1h/);
  const of = "/v1/behaviour?slice=gateway%3APAYU&window=1h";
  const told = (await (await page.request.get(demo.url + of)).json()) as { payments: number; tried_again: { payments: number } };
  expect(told.payments).toBeGreaterThan(told.tried_again.payments);
});

test("incidents are filtered by state, and all of them are back again", async ({ page }) => {
  await open(page, `${demo.url}/incidents`);
  const states = page.getByRole("radiogroup", { name: "Status" }).or(page.getByRole("group", { name: "Status" }));
  await expect(states.getByRole("radio", { name: "All" })).toBeChecked();
  await states.getByRole("radio", { name: "Open" }).click();
  await expect(page).toHaveURL(/status=open/);
  await expect(page.getByText("No incident is open")).toBeVisible();
  await states.getByRole("radio", { name: "All" }).click();
  await expect(page).not.toHaveURL(/status=/);
  await expect(page.getByText("Nothing has failed yet")).toBeVisible();
});

test("limits read in words and units, and are changed in them", async ({ page }) => {
  await open(page, `${demo.url}/settings`);
  const confidence = page.getByRole("textbox", { name: "Confidence needed" });
  await expect(confidence).toHaveValue("80");
  await expect(confidence).toHaveAccessibleDescription(/Below it a plan waits for a person.*In %.*confidence_min/);
  await expect(page.getByRole("textbox", { name: "Life without fresh evidence" })).toHaveValue("30 min");
  await page.getByRole("textbox", { name: "Life at most" }).fill("soon");
  await expect(page.getByText("This can't be read: Life at most")).toBeVisible();
  await page.getByRole("textbox", { name: "Life at most" }).fill("2 h");
  await confidence.fill("85");
  await page.getByRole("button", { name: "Change limits…" }).click();
  const dialog = page.getByRole("dialog");
  await expect(dialog).toContainText(/Confidence needed\s*80 → 85 %/);
  await expect(dialog).toContainText(/Life at most\s*4 h → 2 h/);
  await dialog.getByRole("button", { name: "Change" }).click();
  await expect(dialog).toHaveCount(0);
  const { guardrails } = (await (await page.request.get(`${demo.url}/v1/settings`)).json()) as { guardrails: Record<string, unknown> };
  expect(guardrails).toMatchObject({ confidence_min: 0.85, ttl_max_ms: 7_200_000 });
});

test("times go by the server's clock, which runs ahead of ours", async ({ page }) => {
  await open(page, `${demo.url}/health`);
  const read = async () => {
    const shown = /(\d\d):(\d\d):(\d\d) UTC/.exec(await page.locator(".clock").innerText());
    const { now } = (await (await page.request.get(`${demo.url}/v1/routes`)).json()) as { now: string };
    const [h = 0, m = 0, s = 0] = (shown ?? []).slice(1).map(Number);
    const told = new Date(now);
    // Round midnight too.
    const apart = Math.abs(told.getTime() - Date.UTC(told.getUTCFullYear(), told.getUTCMonth(), told.getUTCDate(), h, m, s));
    return { apart_s: Math.min(apart, 86_400_000 - apart) / 1_000, ahead_s: (told.getTime() - Date.now()) / 1_000 };
  };
  await expect.poll(async () => (await read()).ahead_s, { timeout: 60_000 }).toBeGreaterThan(120);
  // Twenty seconds pass each second, and it is told once a second.
  await expect.poll(async () => (await read()).apart_s).toBeLessThan(45);
  await expect(page.getByRole("main")).toContainText(/judged \d+ s ago/);
  await go(page, "Decisions");
  await expect(page.getByRole("heading", { level: 1, name: "Decisions" })).toBeVisible();
});
