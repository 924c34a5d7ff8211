/** Pictures of every page, to be looked at: `make screenshots` puts them into target/screenshots. */
import { mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";

import { expect, test, type Page } from "@playwright/test";

import { Demo } from "./demo";
import { somethingBroken, somethingRolledOut, somethingSurvived, visits } from "./places";

const INTO = resolve(import.meta.dirname, "../../target/screenshots");
/** The narrowest and the usual in both themes; a tablet in light, the widest in dark. */
const WIDTHS = { light: [360, 768, 1_440], dark: [360, 1_440, 3_840] };

let demo: Demo;

test.beforeAll(async ({ browser }) => {
  test.setTimeout(480_000);
  demo = await Demo.start({ speed: 10, hours: 6 });
  const page = await browser.newPage();
  await somethingSurvived(page, demo.url);
  await somethingRolledOut(page, demo.url);
  await somethingBroken(page, demo.url);
  await page.close();
  await mkdir(INTO, { recursive: true });
});

test.afterAll(async () => {
  await demo.end();
});

async function come(page: Page, path: string): Promise<void> {
  await page.goto(demo.url + path);
  await expect(page.locator("h1, h2").first()).toBeVisible();
  await expect(page.locator(".state.loading")).toHaveCount(0);
}

/** As long as the page is, which scrolls inside its frame. */
async function picture(page: Page, width: number, name: string): Promise<void> {
  const height = width < 500 ? 800 : width > 2_000 ? 2_160 : width < 1_000 ? 1_024 : 900;
  await page.setViewportSize({ width, height });
  const full = await page.evaluate(() => {
    const main = document.querySelector("main");
    return main === null ? innerHeight : innerHeight + main.scrollHeight - main.clientHeight;
  });
  await page.setViewportSize({ width, height: Math.min(full, 4_000) });
  await page.waitForTimeout(300);
  await page.screenshot({ path: join(INTO, `${name}.png`) });
}

for (const theme of ["light", "dark"] as const) {
  test(`pictures, ${theme}`, async ({ page }) => {
    test.setTimeout(600_000);
    await page.emulateMedia({ colorScheme: theme, reducedMotion: "reduce" });
    for (const { name, path } of await visits(page, demo.url)) {
      await come(page, path);
      for (const width of WIDTHS[theme]) await picture(page, width, `${name}-${theme}-${width}`);
    }
  });
}

/** Pages on which well and failing stand side by side, as they are seen by those who can't tell the hues apart. */
const HUES = ["health", "map", "incident", "actions", "action", "learning", "routing"];

for (const type of ["deuteranopia", "protanopia", "achromatopsia"] as const) {
  test(`pictures, ${type}`, async ({ page }) => {
    test.setTimeout(600_000);
    const client = await page.context().newCDPSession(page);
    for (const theme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme: theme, reducedMotion: "reduce" });
      for (const { name, path } of (await visits(page, demo.url)).filter((visit) => HUES.includes(visit.name))) {
        await come(page, path);
        await client.send("Emulation.setEmulatedVisionDeficiency", { type });
        await picture(page, 1_440, `${name}-${theme}-${type}`);
      }
    }
  });
}
