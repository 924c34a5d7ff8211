/** A policy's roll-out as it is seen by who isn't at the command line: it begins, goes on by itself, and is taken back. */
import { expect, test } from "@playwright/test";

import { Demo } from "./demo";
import { somethingRolledOut } from "./places";
import { open } from "./steps";

let demo: Demo;

test.beforeAll(async () => {
  demo = await Demo.start();
});

test.afterAll(async () => {
  await demo.end();
});

test("a roll-out is seen to begin and to take its first step, and is rolled back with a reason", async ({ page }) => {
  await open(page, `${demo.url}/routing?tab=rollout`);
  const panel = page.getByRole("region", { name: "Roll-out of a policy" });
  await expect(panel).toContainText("No policy has been rolled out yet");

  await test.step("it comes and goes on without the page being loaded anew", async () => {
    await somethingRolledOut(page, demo.url);
    await expect(panel).toContainText(/A\/A: the configured policy routes both halves|Step 1 of 2/);
    await expect(panel).toContainText(/Begun.*by local/);
    await expect(panel).toContainText("Step 1 of 2: the candidate routes 20%", { timeout: 60_000 });
    await expect(page.getByRole("status", { name: "News" })).toContainText("Step 1 of 2");
    await expect(page.getByRole("tab", { name: "Roll-out: step 1 of 2" })).toBeVisible();
  });

  await test.step("what both show is there, with the interval of their difference", async () => {
    await expect(panel.getByRole("img", { name: /^Difference [+−]?[\d.]+ pt, / })).toBeVisible({ timeout: 60_000 });
    await expect(panel).toContainText(/Candidate\s*20% of payments.*% · 95% .* of [\d,]+/);
    const watched = page.getByRole("table").filter({ hasText: "Groups don't have their sizes" });
    await expect(watched.getByRole("row")).toHaveCount(6);
    await expect(watched).toContainText("More slower than 3.0 s");
  });

  await test.step("rolled back", async () => {
    const dialog = page.getByRole("dialog");
    await panel.getByRole("button", { name: "Roll back" }).click();
    await expect(dialog).toContainText("the 20% too that the candidate routes now");
    await dialog.getByLabel(/Reason/).fill("a test");
    await dialog.getByRole("button", { name: "Roll back" }).click();
    await expect(dialog).toHaveCount(0);
    await expect(panel).toContainText("Rolled back by local: a test");
    await expect(panel.getByRole("button", { name: "Roll back" })).toHaveCount(0);
    await expect(page.getByRole("tab", { name: "Roll-out", exact: true })).toBeVisible();
    const { stopped } = (await (await page.request.get(`${demo.url}/v1/policy/rollout`)).json()) as { stopped: string };
    expect(stopped).toBe("person");
  });
});
