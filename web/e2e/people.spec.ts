/** Who may what: each role signs in by its key, and what it may not do is refused by the page, and by the server whoever asks. */
import { expect, test, type Page } from "@playwright/test";

import { Demo } from "./demo";
import { go } from "./steps";

const ROLES = ["viewer", "operator", "approver", "admin"] as const;
type Role = (typeof ROLES)[number];

let demo: Demo;
const keys = new Map<Role, string>();

test.beforeAll(async () => {
  demo = await Demo.start({ hours: 1 });
  for (const role of ROLES) keys.set(role, await demo.key(role));
});

test.afterAll(async () => {
  await demo.end();
});

const keyOf = (role: Role) => keys.get(role) ?? "";

async function asStranger(page: Page): Promise<void> {
  await expect(async () => {
    await page.goto(`${demo.url}/health`);
    await expect(page.getByLabel("API key")).toBeVisible({ timeout: 2_000 });
  }, "a running server reads new keys within seconds").toPass({ timeout: 30_000 });
}

async function signIn(page: Page, role: Role): Promise<void> {
  await asStranger(page);
  await page.getByLabel("API key").fill(keyOf(role));
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Network health" })).toBeVisible();
  await page.getByRole("button", { name: "You and the page" }).click();
  await expect(page.getByRole("menu")).toContainText(`· ${role}`);
  await page.keyboard.press("Escape");
}

/** What the server itself says to that key. */
async function asked(page: Page, role: Role, method: string, path: string, data: unknown): Promise<number> {
  const headers = { authorization: `Bearer ${keyOf(role)}`, "if-match": "*" };
  return (await page.request.fetch(demo.url + path, { method, headers, data })).status();
}

test("a key that isn't one lets nobody in", async ({ page }) => {
  await asStranger(page);
  await page.getByLabel("API key").fill("pm_wrong");
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByRole("alert")).toContainText("neither expired nor revoked");
  await expect(page.getByRole("navigation", { name: "Pages" })).toHaveCount(0);
});

test("a viewer reads, and changes nothing", async ({ page }) => {
  await signIn(page, "viewer");
  const kill = page.getByRole("button", { name: "Kill switch" });
  await expect(kill).toBeDisabled();
  await expect(kill).toHaveAttribute("title", /needs the role operator/);
  await kill.click({ force: true });
  await expect(page.getByRole("dialog")).toHaveCount(0);
  await go(page, "Settings");
  await expect(page.getByRole("button", { name: "Freeze for an hour" })).toBeDisabled();
  await page.getByRole("tab", { name: "Audit log" }).click();
  await expect(page.getByRole("tabpanel", { name: "Audit log" })).toContainText("This needs the role admin");
  expect(await asked(page, "viewer", "POST", "/v1/kill-switch", { engaged: true, reason: "a test" })).toBe(403);
  expect(await asked(page, "viewer", "PATCH", "/v1/settings", { modes: { reroute: "shadow" } })).toBe(403);
});

test("an admin changes a mode, sees it on every page and in the audit log", async ({ page }) => {
  await signIn(page, "admin");
  await go(page, "Settings");
  await page.getByRole("combobox", { name: "Mode of Reroute" }).selectOption("advise");
  await page.getByRole("dialog").getByRole("button", { name: "Change" }).click();
  await expect(page.getByRole("region", { name: "Mode of the operator" })).toContainText("Reroute advise");
  await page.getByRole("tab", { name: "Users and keys" }).click();
  await expect(page.getByRole("region", { name: "API keys" }).first()).toContainText("viewer");
  await page.getByRole("tab", { name: "Audit log" }).click();
  await expect(page.getByRole("region", { name: "Audit log" }).first()).toContainText("change");
});

test("an operator stops everything with one click and a reason", async ({ page }) => {
  await signIn(page, "operator");
  await page.getByRole("button", { name: "Kill switch" }).click();
  const dialog = page.getByRole("dialog", { name: "Engage the kill switch" });
  await expect(dialog.getByRole("button", { name: "Engage" }), "it needs a reason").toBeDisabled();
  await dialog.getByLabel("Reason").fill("the night shift is not sure");
  await dialog.getByRole("button", { name: "Engage" }).click();
  const banner = page.getByRole("region", { name: "Mode of the operator" });
  await expect(banner).toContainText("Stopped");
  await expect(banner).toContainText("the night shift is not sure");
  for (const name of ["Incidents", "Actions", "Settings"]) {
    await go(page, name);
    await expect(banner, `said on ${name} too`).toContainText("Stopped");
  }
  await expect(page.getByRole("button", { name: "Clear kill switch" })).toBeDisabled();
  expect(await asked(page, "operator", "POST", "/v1/kill-switch", { engaged: false, reason: "" })).toBe(403);
});

test("an approver approves, changes no setting, and by a key clears no kill switch", async ({ page }) => {
  await signIn(page, "approver");
  const clear = page.getByRole("button", { name: "Clear kill switch" });
  await expect(clear).toBeDisabled();
  await expect(clear).toHaveAttribute("title", /a key never clears/i);
  expect(await asked(page, "approver", "POST", "/v1/kill-switch", { engaged: false, reason: "" })).toBe(403);
  await go(page, "Settings");
  await page.getByRole("combobox", { name: "Mode of Reroute" }).selectOption("shadow");
  await expect(page.getByRole("dialog"), "modes are the admin's").toHaveCount(0);
  expect(await asked(page, "approver", "PATCH", "/v1/settings", { modes: { reroute: "shadow" } })).toBe(403);
  expect(await asked(page, "approver", "POST", "/v1/interventions/none/approve", { plan_hash: "x" }), "its role is enough, there is no such plan").toBe(404);
});
