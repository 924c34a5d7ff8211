/** A person decides: a plan waits, is approved and undone; another is rejected. What is done is done by clicks alone. */
import { expect, test, type Page } from "@playwright/test";

import { Demo } from "./demo";
import { choose, go, open } from "./steps";

let demo: Demo;

test.beforeAll(async () => {
  demo = await Demo.start();
});

test.afterAll(async () => {
  await demo.end();
});

async function strike(page: Page, gateway: string): Promise<void> {
  await go(page, "Break something");
  await choose(page, "Gateway", gateway);
  await choose(page, "Severity", "90%");
  await choose(page, "For", "10 min");
  await page.getByRole("button", { name: "Break it" }).click();
  await expect(page.getByRole("region", { name: "Broken now" })).toContainText(gateway);
}

test("a plan waits for a person, who approves it, and takes it back; and says no to another", async ({ page }) => {
  await open(page, `${demo.url}/settings`);
  await page.getByRole("combobox", { name: "Mode of Reroute" }).selectOption("approve");
  await page.getByRole("dialog").getByRole("button", { name: "Change" }).click();
  await expect(page.getByRole("region", { name: "Mode of the operator" })).toContainText("Reroute approve");

  const waiting = page.getByRole("region", { name: "Waiting for approval" }).getByRole("article").first();
  const active = page.getByRole("region", { name: "In force" }).getByRole("article").first();
  const dialog = page.getByRole("dialog");

  await test.step("approved, with its exact effect shown before", async () => {
    await strike(page, "PAYU");
    await go(page, "Actions");
    await expect(waiting).toContainText("from PAYU to", { timeout: 90_000 });
    await waiting.getByRole("button", { name: "Approve" }).click();
    await expect(dialog).toContainText(/Of the payments in this slice, [1-9][\d.]*% go elsewhere at first/);
    await expect(dialog).toContainText("Leaves");
    await dialog.getByRole("button", { name: "Approve this plan" }).click();
    await expect(dialog).toHaveCount(0);
    await expect(active).toContainText("from PAYU to");
    await expect(active).toContainText(/By\s*local/);
  });

  await test.step("rolled back with one button", async () => {
    await active.getByRole("button", { name: "Undo" }).click();
    await expect(dialog).toContainText("all payments of this slice take their own path again");
    await dialog.getByLabel(/Reason/).fill("a test");
    await dialog.getByRole("button", { name: "Roll back" }).click();
    await expect(dialog).toHaveCount(0);
    await expect(page.getByRole("region", { name: "Over", exact: true })).toContainText("Rolled back");
  });

  await test.step("rejected", async () => {
    await go(page, "Break something");
    await page.getByRole("button", { name: "Mend everything" }).click();
    await strike(page, "RAZORPAY");
    await go(page, "Actions");
    const other = page.getByRole("region", { name: "Waiting for approval" }).getByRole("article").filter({ hasText: "from RAZORPAY" }).first();
    await expect(other).toBeVisible({ timeout: 90_000 });
    await other.getByRole("button", { name: "Reject" }).click();
    await dialog.getByLabel(/Reason/).fill("not now");
    await dialog.getByRole("button", { name: "Reject" }).click();
    await expect(dialog).toHaveCount(0);
    await expect(page.getByRole("region", { name: "Over", exact: true })).toContainText("Rejected");
  });
});

test("the kill switch is engaged with a reason, ends what is in force, and is cleared", async ({ page }) => {
  await open(page, `${demo.url}/health`);
  await page.getByRole("button", { name: "Kill switch" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Reason").fill("a drill");
  await dialog.getByRole("button", { name: "Engage" }).click();
  const banner = page.getByRole("region", { name: "Mode of the operator" });
  await expect(banner).toContainText(/Stopped.*a drill/);
  await page.reload();
  await expect(banner).toContainText(/Stopped.*a drill/);
  await go(page, "Actions");
  await expect(page.getByRole("region", { name: "In force" })).toContainText("Nothing is moved now");
  await page.getByRole("button", { name: "Clear kill switch" }).click();
  await dialog.getByRole("button", { name: "Clear" }).click();
  await expect(banner).not.toContainText("Stopped");
});
