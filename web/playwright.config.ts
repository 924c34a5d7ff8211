/** The page in a real browser, before the real binary: `npm run e2e`. */
import { defineConfig } from "@playwright/test";

/** Debian's, unless another is named; Playwright's own browsers are never fetched. */
const CHROMIUM = process.env["POINTSMAN_CHROMIUM"] ?? "/usr/bin/chromium";

/** Where `cargo xtask` reads how it went. */
const REPORT = process.env["POINTSMAN_REPORT"];

/** Half an hour apart from UTC, and nowhere near its midnight while the tests run: what happened "today" happened today. */
const HALF_HOURS_AHEAD = 11;
const hourThere = new Date(Date.now() + HALF_HOURS_AHEAD * 1_800_000).getUTCHours();
const zone = hourThere >= 20 ? "America/St_Johns" : "Asia/Kolkata";

export default defineConfig({
  testDir: "e2e",
  outputDir: "../target/e2e",
  // Each file starts servers of its own; more at once would only make each slower.
  workers: 1,
  fullyParallel: false,
  forbidOnly: true,
  // A machine that is shared may stall; a test that holds only when tried again is named as flaky at the end.
  retries: process.env["CI"] === "true" ? 1 : 0,
  timeout: 240_000,
  expect: { timeout: 15_000 },
  reporter: [["list"], ...(REPORT === undefined ? [] : [["json", { outputFile: REPORT }] as const])],
  use: {
    browserName: "chromium",
    headless: true,
    launchOptions: { executablePath: CHROMIUM, args: ["--no-sandbox", "--disable-dev-shm-usage"] },
    locale: "en-GB",
    timezoneId: zone,
    viewport: { width: 1440, height: 900 },
    actionTimeout: 20_000,
    screenshot: "only-on-failure",
    trace: "retain-on-failure",
  },
  projects: [
    { name: "e2e", testMatch: "*.spec.ts" },
    { name: "screenshots", testMatch: "screenshots.ts" },
  ],
});
