/** The page as it lives: fresh within two seconds, resumed without a gap, the same for whoever has its address, in the reader's own zone and numbers. */
import { readFile } from "node:fs/promises";

import { expect, test, type Page } from "@playwright/test";

import { Demo } from "./demo";
import { somethingBroken, somethingPaid, visits } from "./places";
import { go, open } from "./steps";

const FRESH_MS_MAX = 2_000;

let demo: Demo;

test.beforeAll(async ({ browser }) => {
  demo = await Demo.start({ speed: 10 });
  const page = await browser.newPage();
  await somethingBroken(page, demo.url);
  await page.close();
});

test.afterAll(async () => {
  await demo.end();
});

// First: the drills below end what is in force, which then gets no more outcomes.
test("how the arms converge is drawn from the first outcome on, whenever the page is opened", async ({ page }) => {
  type One = { intervention_id: string; arms: { attempts: number }[] };
  const outcomes = (x: One): number => x.arms.reduce((sum, arm) => sum + arm.attempts, 0);
  let one: One | undefined;
  const most = async (): Promise<number> => {
    const { data } = (await (await page.request.get(`${demo.url}/v1/experiments?limit=20`)).json()) as { data: One[] };
    one = data.toSorted((a, b) => outcomes(b) - outcomes(a))[0];
    return one === undefined ? 0 : outcomes(one);
  };
  await expect.poll(most, { message: "an experiment with outcomes", timeout: 120_000 }).toBeGreaterThan(40);
  const drawing = page.getByRole("img", { name: /^Confidence sequences of both arms over [\d,]+ attempts: left there [\d.]+% to [\d.]+%, moved/ });
  await expect(async () => {
    // Opened anew each time: what it shows at once is the past.
    await page.goto(`${demo.url}/actions/${one?.intervention_id ?? ""}`);
    await expect(drawing).toBeVisible({ timeout: 10_000 });
    const points = await drawing.locator("polygon").first().getAttribute("points");
    expect(points?.split(" ").length ?? 0, "more than two moments of its past").toBeGreaterThan(4);
  }).toPass({ timeout: 90_000 });
});

const kill = (page: Page, engaged: boolean, reason = "") => page.request.post(`${demo.url}/v1/kill-switch`, { data: { engaged, reason } });

test("what changes is seen within two seconds, by whoever looks", async ({ page, browser }) => {
  const other = await browser.newPage();
  await open(page, `${demo.url}/health`);
  await open(other, `${demo.url}/actions`);
  const times: number[] = [];
  for (const [engaged, words] of [[true, "Stopped"], [false, "Mode"]] as const) {
    const begun = Date.now();
    expect((await kill(page, engaged, "a drill")).ok()).toBe(true);
    for (const one of [page, other]) {
      await expect(one.getByRole("region", { name: "Mode of the operator" })).toContainText(words, { timeout: FRESH_MS_MAX });
    }
    times.push(Date.now() - begun);
  }
  expect(Math.max(...times), `ms: ${times.join(", ")}`).toBeLessThan(FRESH_MS_MAX);
  await other.close();
});

test("the routes move on each second", async ({ page }) => {
  await open(page, `${demo.url}/health`);
  const read = () => page.getByRole("region", { name: "Success rates by route" }).innerText();
  const before = await read();
  await expect.poll(read, { timeout: FRESH_MS_MAX + 1_000 }).not.toBe(before);
});

test("a stream that breaks goes on behind the last event, and what was missed is there", async ({ page, context }) => {
  await open(page, `${demo.url}/incidents`);
  // An event with an id, so that there is something to go on behind.
  await kill(page, true, "before");
  await expect(page.getByRole("region", { name: "Mode of the operator" })).toContainText("before");
  const resumed = page.waitForRequest((request) => request.url().endsWith("/v1/stream") && request.headers()["last-event-id"] !== undefined, { timeout: 60_000 });
  await demo.stop();
  await expect(page.getByRole("alert").filter({ hasText: "Connection lost" })).toBeVisible({ timeout: 20_000 });
  await demo.again();
  expect(Number((await resumed).headers()["last-event-id"])).toBeGreaterThan(0);
  await kill(page, false);
  await expect(page.getByRole("region", { name: "Mode of the operator" })).not.toContainText("Stopped", { timeout: 20_000 });
  expect(context.pages()).toHaveLength(1);
});

test("the address holds what is seen: a colleague sees the same", async ({ page, browser }) => {
  await open(page, `${demo.url}/health`);
  await page.getByRole("combobox", { name: "Across" }).selectOption("method");
  await page.getByRole("radio", { name: "Worse than expected" }).click();
  await go(page, "Decisions");
  await page.getByRole("searchbox", { name: "Words" }).fill("payu");
  await page.getByRole("button", { name: "Why?" }).first().click();
  await expect(page.getByRole("button", { name: "Less" })).toHaveCount(1);
  await expect(page).toHaveURL(/words=payu&why=d_\d+/);
  const other = await browser.newPage();
  await other.goto(page.url());
  await expect(other.getByRole("searchbox", { name: "Words" })).toHaveValue("payu");
  await expect(other.getByRole("button", { name: "Less" })).toHaveCount(1);
  await other.goto(`${demo.url}/health?across=method&show=worse`);
  await expect(other.getByRole("combobox", { name: "Across" })).toHaveValue("method");
  await expect(other.getByRole("radio", { name: "Worse than expected" })).toBeChecked();
  await other.goto(`${demo.url}/map?by=issuer&latency=p99&route=issuer%3AHDFC`);
  await expect(other.getByRole("combobox", { name: "Routes are" })).toHaveValue("issuer");
  await expect(other.getByRole("region", { name: "issuer HDFC", exact: true })).toBeVisible();
  await other.close();
});

test("a decision says why, and how to run it again", async ({ page }) => {
  await open(page, `${demo.url}/decisions?action=reroute`);
  const first = page.getByRole("main").getByRole("listitem").first();
  for (const field of ["Diagnosis:", "Evidence:", "Proposed Action:", "Risk Assessment:", "Confidence Score:"]) await expect(first).toContainText(field);
  await first.getByRole("button", { name: "Why?" }).click();
  await expect(first).toContainText("pointsman replay");
  await expect(first).toContainText(/Mode auto/);
});

test("the map has the routes' way of the last minutes when it is opened", async ({ page }) => {
  await open(page, `${demo.url}/map`);
  await expect(page.locator(".trail").first()).toBeAttached();
  await expect.poll(() => page.locator(".trail-dot").count(), { timeout: 90_000 }).toBeGreaterThan(12);
});

test("one payment tells its attempts, and why each went where it went", async ({ page }) => {
  const id = await somethingPaid(page, demo.url);
  await open(page, `${demo.url}/routing?tab=payment`);
  await page.getByRole("searchbox", { name: "Payment id" }).fill(id);
  await expect(page.getByRole("region", { name: "Attempts" })).toContainText("iso8583/91", { timeout: 30_000 });
  const why = page.getByRole("region", { name: /^Why \w+ for attempt 1$/ });
  await expect(why).toContainText(/Chosen at .* with probability [\d.]+%/, { timeout: 30_000 });
  await expect(why.getByRole("row")).toHaveCount(5);
});

test("every table is to be had as CSV, and what is in it is what is seen", async ({ page }) => {
  const without: string[] = [];
  for (const { name, path } of await visits(page, demo.url)) {
    await page.goto(demo.url + path);
    await expect(page.locator("h1, h2").first()).toBeVisible();
    await expect(page.locator(".state.loading")).toHaveCount(0);
    const tables = await page.locator("main .scroll:not(.heat) > table").count();
    const buttons = await page.locator("main").getByRole("button", { name: /^Save as CSV/ }).count();
    if (buttons < tables) without.push(`${name}: ${tables} tables, ${buttons} as CSV`);
  }
  expect(without).toEqual([]);
  await page.goto(`${demo.url}/map`);
  const button = page.getByRole("button", { name: /^Save as CSV\s?: Routes$/ });
  await expect(button).toBeVisible();
  const coming = page.waitForEvent("download");
  await button.click();
  const file = await coming;
  expect(file.suggestedFilename()).toBe("routes.csv");
  const [head, ...rows] = (await readFile(await file.path(), "utf8")).trim().split("\r\n");
  expect(head).toMatch(/^Route,Attempts,Success,/);
  expect(rows.some((row) => /^gateway:STRIPE,\d+,0\.\d+/.test(row))).toBe(true);
});

test("times are the reader's and UTC's, numbers the reader's", async ({ browser }) => {
  const context = await browser.newContext({ locale: "de-DE", timezoneId: "Asia/Tokyo" });
  const page = await context.newPage();
  await open(page, `${demo.url}/health`);
  const shown = /(\d\d):(\d\d):\d\d\s+(\d\d):(\d\d):\d\d UTC/.exec((await page.locator(".clock").innerText()).replaceAll("\n", " "));
  const [, here, , there] = shown ?? [];
  expect((Number(here) - Number(there) + 24) % 24, "Tokyo is nine hours ahead").toBe(9);
  await expect(page.getByRole("main")).toContainText(/\d\d,\d\s%/);
  await context.close();
});

test("who wants no motion gets none", async ({ page }) => {
  await page.emulateMedia({ reducedMotion: "reduce" });
  await page.route("**/v1/**", async (route) => {
    await new Promise((done) => setTimeout(done, 1_500));
    await route.continue();
  });
  await page.goto(`${demo.url}/health`);
  const bone = page.locator(".bone").first();
  await expect(bone, "what loads is designed").toBeVisible();
  expect(await bone.evaluate((e) => getComputedStyle(e).animationName)).toBe("none");
});

test("what fails is said where it would be, with a way to try again", async ({ page }) => {
  await open(page, `${demo.url}/health`);
  await page.route("**/v1/memory*", (route) => route.abort());
  await go(page, "Learning");
  const failed = page.getByRole("main").getByRole("alert");
  await expect(failed).toContainText("This couldn't be read", { timeout: 30_000 });
  await page.unroute("**/v1/memory*");
  await failed.getByRole("button", { name: "Try again" }).click();
  await expect(page.getByRole("region", { name: "Beliefs", exact: true })).toBeVisible();
});
