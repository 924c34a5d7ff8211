/** WCAG 2.2 AA, as far as a program can see it: axe finds nothing on any page, in either theme, wide or narrow. */
import AxeBuilder from "@axe-core/playwright";
import { expect, test } from "@playwright/test";

import { Demo } from "./demo";
import { somethingBroken, somethingRolledOut, visits } from "./places";

const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];

let demo: Demo;

test.beforeAll(async ({ browser }) => {
  demo = await Demo.start();
  const page = await browser.newPage();
  await somethingRolledOut(page, demo.url);
  await somethingBroken(page, demo.url);
  await page.close();
});

test.afterAll(async () => {
  await demo.end();
});

for (const theme of ["light", "dark"] as const) {
  test(`axe finds nothing on any page, ${theme}`, async ({ page }) => {
    await page.emulateMedia({ colorScheme: theme, reducedMotion: "reduce" });
    const found: string[] = [];
    const look = async (name: string) => {
      const { violations } = await new AxeBuilder({ page }).withTags(TAGS).analyze();
      for (const one of violations) {
        found.push(`${name}: ${one.id}: ${one.help}: ${one.nodes.map((n) => `${n.target.join(" ")} ${n.failureSummary ?? ""}`).slice(0, 3).join(" | ")}`);
      }
    };
    for (const { name, path } of await visits(page, demo.url)) {
      await page.goto(demo.url + path);
      await expect(page.locator("h1, h2").first()).toBeVisible();
      await expect(page.locator(".state.loading")).toHaveCount(0);
      await look(name);
    }
    await page.goto(`${demo.url}/health`);
    await expect(page.locator(".heat .cell").first()).toBeVisible();
    await page.keyboard.press("Control+k");
    await expect(page.getByRole("combobox", { name: "Go to, or do" })).toBeFocused();
    await look("palette");
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: "Kill switch" }).click();
    await expect(page.getByRole("dialog")).toBeVisible();
    await look("dialog");
    await page.setViewportSize({ width: 390, height: 844 });
    await page.goto(`${demo.url}/health`);
    await page.getByRole("button", { name: "Pages" }).click();
    await expect(page.getByRole("dialog")).toBeVisible();
    await look("drawer");
    expect(found).toEqual([]);
  });
}

test("axe would say so if there were something", async ({ page }) => {
  await page.goto(`${demo.url}/health`);
  await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
  await page.evaluate(() => document.querySelector("main")?.append(document.createElement("img")));
  const { violations } = await new AxeBuilder({ page }).withTags(TAGS).analyze();
  expect(violations.map((one) => one.id)).toContain("image-alt");
});

test("everything is reached by keyboard", async ({ page }) => {
  await page.goto(`${demo.url}/health`);
  await expect(page.getByRole("heading", { level: 1, name: "Network health" })).toBeVisible();
  await page.keyboard.press("Tab");
  await expect(page.getByRole("link", { name: "Skip to content" })).toBeFocused();
  await page.keyboard.press("Alt+3");
  await expect(page.getByRole("heading", { level: 1, name: "Incidents" })).toBeVisible();
  await page.keyboard.press("Control+k");
  await page.keyboard.type("Learning");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { level: 1, name: "Learning" })).toBeVisible();
});

test("no page is wider than its window", async ({ page }) => {
  const wide: string[] = [];
  for (const width of [360, 390, 1440]) {
    await page.setViewportSize({ width, height: 844 });
    for (const { name, path } of await visits(page, demo.url)) {
      await page.goto(demo.url + path);
      await expect(page.locator("h1, h2").first()).toBeVisible();
      await expect(page.locator(".state.loading")).toHaveCount(0);
      const over = await page.evaluate(() => {
        const main = document.querySelector("main");
        return Math.max(document.documentElement.scrollWidth - innerWidth, main === null ? 0 : main.scrollWidth - main.clientWidth);
      });
      if (over > 0) wide.push(`${name} at ${width}: ${over} px too wide`);
    }
  }
  expect(wide).toEqual([]);
});
