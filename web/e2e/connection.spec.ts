/** A lost connection is said, and recovers by itself; and the page is there at once. */
import { expect, test } from "@playwright/test";

import { Demo } from "./demo";
import { open } from "./steps";

/** What may pass until something that means something is painted, and how much JavaScript, packed. */
const PAINT_MS_MAX = 1_000;
const JS_BYTES_MAX = 350 * 1024;

let demo: Demo;

test.beforeAll(async () => {
  demo = await Demo.start({ hours: 1, speed: 1 });
});

test.afterAll(async () => {
  await demo.end();
});

test("a server that stops is said, and one that is back is seen", async ({ page }) => {
  await open(page, `${demo.url}/health`);
  await demo.stop();
  const lost = page.getByRole("alert").filter({ hasText: "Connection lost" });
  await expect(lost).toBeVisible({ timeout: 20_000 });
  await expect(lost).toContainText(/What you see is \d+ s old/);
  await expect(page.getByRole("region", { name: "Success rates by route" }), "what was read stays").toBeVisible();
  await demo.again();
  await expect(lost).toHaveCount(0, { timeout: 40_000 });
  await expect(page.locator(".connected")).toHaveText(/Live|Degraded/);
});

test("the first picture comes within a second, of little JavaScript", async ({ page }) => {
  // The best of three: other programs of this machine are none of the page's business.
  const times: number[] = [];
  let bytes = 0;
  for (let i = 0; i < 3; i += 1) {
    bytes = 0;
    const client = await page.context().newCDPSession(page);
    await client.send("Network.enable");
    await client.send("Network.setCacheDisabled", { cacheDisabled: true });
    const scripts = new Set<string>();
    client.on("Network.responseReceived", (e) => {
      if (e.type === "Script" || e.response.url.endsWith(".js")) scripts.add(e.requestId);
    });
    client.on("Network.loadingFinished", (e) => {
      if (scripts.has(e.requestId)) bytes += e.encodedDataLength;
    });
    await page.goto(`${demo.url}/health`);
    await page.getByRole("heading", { level: 1, name: "Network health" }).waitFor();
    times.push(await page.evaluate(() => performance.now()));
    await expect(page.locator(".connected")).toHaveText(/Live|Degraded/);
    await client.detach();
  }
  console.log(`first paint after ${times.map(Math.round).join(", ")} ms; ${(bytes / 1_024).toFixed(0)} KiB of JavaScript, packed`);
  expect(Math.min(...times), `ms until the heading: ${times.map(Math.round).join(", ")}`).toBeLessThan(PAINT_MS_MAX);
  expect(bytes).toBeGreaterThan(10_000);
  expect(bytes).toBeLessThan(JS_BYTES_MAX);
});
