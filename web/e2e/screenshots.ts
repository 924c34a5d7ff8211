/** Pictures of every page, to be looked at: `make screenshots` puts them into target/screenshots. */
import { mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";

import { expect, test, type Page } from "@playwright/test";

import { Demo } from "./demo";
import { somethingBroken, somethingSurvived, visits } from "./places";

const INTO = resolve(import.meta.dirname, "../../target/screenshots");
const WIDTHS = [390, 1440];
const HEALTH_TOO = [360, 2560];

let demo: Demo;

test.beforeAll(async ({ browser }) => {
  test.setTimeout(480_000);
  demo = await Demo.start({ speed: 10, hours: 12 });
  const page = await browser.newPage();
  await somethingSurvived(page, demo.url);
  await somethingBroken(page, demo.url);
  await page.close();
  await mkdir(INTO, { recursive: true });
});

test.afterAll(async () => {
  await demo.end();
});

/** As long as the page is, which scrolls inside its frame. */
async function picture(page: Page, width: number, name: string): Promise<void> {
  const full = await page.evaluate(() => {
    const main = document.querySelector("main");
    return main === null ? innerHeight : innerHeight + main.scrollHeight - main.clientHeight;
  });
  await page.setViewportSize({ width, height: Math.min(full, 4_000) });
  await page.waitForTimeout(300);
  await page.screenshot({ path: join(INTO, `${name}.png`) });
}

async function come(page: Page, path: string, width: number): Promise<void> {
  const height = width < 500 ? 844 : width > 2_000 ? 1_440 : 900;
  await page.setViewportSize({ width, height });
  await page.goto(demo.url + path);
  await expect(page.locator("h1, h2").first()).toBeVisible();
  await expect(page.locator(".state.loading")).toHaveCount(0);
}

for (const theme of ["light", "dark"] as const) {
  test(`pictures, ${theme}`, async ({ page }) => {
    await page.emulateMedia({ colorScheme: theme, reducedMotion: "reduce" });
    for (const { name, path } of await visits(page, demo.url)) {
      for (const width of name === "health" ? [...WIDTHS, ...HEALTH_TOO] : WIDTHS) {
        await come(page, path, width);
        await picture(page, width, `${name}-${theme}-${width}`);
      }
    }
  });
}

/** Pages on which well and failing stand side by side, as they are seen by those who can't tell the hues apart. */
const HUES = ["health", "map", "incident", "actions", "learning"];

for (const type of ["deuteranopia", "protanopia", "achromatopsia"] as const) {
  test(`pictures, ${type}`, async ({ page }) => {
    const client = await page.context().newCDPSession(page);
    for (const theme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme: theme, reducedMotion: "reduce" });
      for (const { name, path } of (await visits(page, demo.url)).filter((visit) => HUES.includes(visit.name))) {
        await come(page, path, 1_440);
        await client.send("Emulation.setEmulatedVisionDeficiency", { type });
        await picture(page, 1_440, `${name}-${theme}-${type}`);
      }
    }
  });
}
