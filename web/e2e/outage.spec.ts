/** What the product is for, seen by a browser: an outage appears, is explained, survived, and over. */
import { expect, test } from "@playwright/test";

import { Demo } from "./demo";
import { choose, open } from "./steps";

let demo: Demo;

test.beforeAll(async () => {
  demo = await Demo.start();
});

test.afterAll(async () => {
  await demo.end();
});

test("an outage is seen on the heat map, explained, mitigated and recovered", async ({ page }) => {
  await open(page, `${demo.url}/health`);
  const routes = page.getByRole("region", { name: "Success rates by route" });
  const cells = routes.getByRole("row").filter({ has: page.getByRole("rowheader", { name: "PAYU" }) });
  await expect(cells).toHaveCount(1);
  await expect(cells.locator(".l3, .l4"), "all is well at first").toHaveCount(0);

  await test.step("broken by the panel", async () => {
    await page.getByRole("link", { name: "Break something" }).first().click();
    await choose(page, "Gateway", "PAYU");
    await choose(page, "Severity", "90%");
    await choose(page, "For", "10 min");
    await page.getByRole("button", { name: "Break it" }).click();
    await expect(page.getByRole("region", { name: "Broken now" })).toContainText("90% of approvals fail");
  });

  await test.step("seen on the heat map", async () => {
    await page.getByRole("link", { name: "Network health" }).first().click();
    await expect(cells.locator(".l3, .l4").first(), "cells far below what is expected").toBeVisible({ timeout: 60_000 });
    await expect(cells.locator(".l3, .l4").first()).toHaveAccessibleName(/gateway PAYU.*−\d+\.\d pt against expected/);
  });

  await test.step("found and explained", async () => {
    const failing = page.getByRole("region", { name: "Failing now" });
    const link = failing.getByRole("link", { name: /^gateway PAYU/ }).first();
    await expect(link).toBeVisible({ timeout: 60_000 });
    await link.click();
    await expect(page.getByRole("heading", { level: 1, name: /gateway PAYU/ })).toBeVisible();
    await expect(page.getByRole("main")).toContainText("Network or gateway failure (confidence");
    await expect(page.getByRole("region", { name: "Evidence" }).getByRole("listitem").first()).toBeVisible();
    await expect(page.getByRole("img", { name: /^Success rate of gateway PAYU.* against what was expected$/ })).toBeVisible();
  });

  await test.step("mitigated: tried, then more", async () => {
    const doing = page.getByRole("region", { name: "What is being done" }).getByRole("article").first();
    await expect(doing).toContainText(/Reroute [\d.]+% from PAYU to/, { timeout: 90_000 });
    await expect(doing).toContainText("Left there");
    await expect(doing).toContainText(/(19|20|4[5-9]|50|9\d|100)(\.\d)?% moved|Completed/, { timeout: 90_000 });
  });

  await test.step("recovered", async () => {
    await expect(page.getByRole("main").locator(".page-head")).toContainText("Resolved", { timeout: 150_000 });
    await page.getByRole("link", { name: "Network health" }).first().click();
    await expect(cells.locator(".l3, .l4"), "its cells are well again").toHaveCount(0, { timeout: 60_000 });
    await expect(page.getByRole("region", { name: "Failing now" }).getByRole("link", { name: /PAYU/ })).toHaveCount(0);
    await expect(page.getByRole("main"), "and what that brought back is told, with its interval").toContainText(/Recovered today[\d,]+ payments?95% −?[\d,]+ to [\d,]+, of [\d,]+ moved/);
  });

  await test.step("learnt from: the belief and how it moved, and whether the plan was right", async () => {
    await page.getByRole("navigation", { name: "Pages" }).getByRole("link", { name: "Learning" }).click();
    const beliefs = page.getByRole("region", { name: "Beliefs per route" });
    await beliefs.getByRole("row").filter({ hasText: "PAYU" }).getByRole("button").first().click();
    await expect(page).toHaveURL(/belief=/);
    const way = page.getByRole("region", { name: /^How .* moved$/ });
    await expect(way.getByRole("img", { name: /from 0\.00 to 0\.\d+ over \d+ incidents?/ })).toBeVisible();
    await expect(way.getByRole("link", { name: /^inc_/ }).first()).toBeVisible();
    const sure = page.getByRole("region", { name: "How sure it says it is, and how often it helps" });
    await expect(sure).toContainText(/Decided plans\s*[1-9]/, { timeout: 120_000 });
    await expect(sure.getByRole("img", { name: /^Calibration curve: said 0\.\d+, helped/ })).toBeVisible();
    await expect(sure).toContainText(/Only \d plans? ha(s|ve) been decided so far/);
  });
});
