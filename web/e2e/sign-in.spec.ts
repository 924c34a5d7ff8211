/** People, by name: signed in at an issuer (code flow with PKCE), and two of them where two are needed. And who was let in before there were keys. */
import { expect, test, type Browser, type Page } from "@playwright/test";

import type { Role } from "../src/api/types";
import { Demo } from "./demo";
import { Issuer, ISSUER, Server } from "./issuer";
import { go, open } from "./steps";

test.describe("with an issuer", () => {
  test.skip(ISSUER === null, "the issuer isn't there; `cargo xtask setup` fetches it, and `cargo xtask e2e` says where it is");

  let issuer: Issuer;
  let server: Server;

  test.beforeAll(async () => {
    issuer = await Issuer.start(ISSUER ?? "");
    server = await Server.start(issuer);
  });

  test.afterAll(async () => {
    await server.end();
    await issuer.end();
  });

  /** In a browser of their own. */
  async function person(browser: Browser, name: string, role: Role): Promise<Page> {
    const page = await (await browser.newContext()).newPage();
    await page.goto(`${server.url}/settings`);
    await issuer.nextIs(name, role);
    await page.getByRole("link", { name: "Sign in with your account" }).click();
    await expect(page.getByRole("heading", { level: 1, name: "Settings" }), "back where they wanted to").toBeVisible();
    return page;
  }

  const banner = (page: Page) => page.getByRole("region", { name: "Mode of the operator" });

  test("a person signs in at the issuer, is known by name, and signs out", async ({ page }) => {
    await page.goto(`${server.url}/incidents`);
    const link = page.getByRole("link", { name: "Sign in with your account" });
    await expect(link).toBeVisible();
    await expect(page.getByRole("navigation", { name: "Pages" }), "nothing is shown to strangers").toHaveCount(0);
    await issuer.nextIs("ann", "operator");
    const asked = page.waitForRequest((request) => request.url().startsWith(issuer.url));
    await link.click();
    const question = new URL((await asked).url()).searchParams;
    expect(question.get("response_type")).toBe("code");
    expect(question.get("code_challenge_method")).toBe("S256");
    expect(question.get("code_challenge")).toMatch(/^[\w-]{43}$/);
    await expect(page.getByRole("heading", { level: 1, name: "Incidents" })).toBeVisible();
    expect(new URL(page.url()).search, "no code stays in the address").toBe("");

    await page.getByRole("button", { name: "You and the page" }).click();
    await expect(page.getByRole("menu")).toContainText("ann · operator");
    await page.keyboard.press("Escape");
    await page.reload();
    await expect(page.getByRole("heading", { level: 1, name: "Incidents" }), "the session outlives the page").toBeVisible();
    expect(await page.evaluate(() => document.cookie), "and no script can read it").toBe("");

    await page.getByRole("button", { name: "You and the page" }).click();
    await page.getByRole("menuitem", { name: "Sign out" }).click();
    await expect(page.getByLabel("API key")).toBeVisible();
    await page.goto(`${server.url}/incidents`);
    await expect(link).toBeVisible();
  });

  test("two people clear the kill switch, each in a browser of their own", async ({ browser }) => {
    const ann = await person(browser, "ann", "approver");
    const bob = await person(browser, "bob", "approver");

    await test.step("one engages it, and both see it", async () => {
      await ann.getByRole("button", { name: "Kill switch" }).click();
      await ann.getByRole("dialog").getByLabel("Reason").fill("a drill for two");
      await ann.getByRole("dialog").getByRole("button", { name: "Engage" }).click();
      for (const page of [ann, bob]) await expect(banner(page)).toContainText(/Stopped.*engaged by ann.*a drill for two/);
    });

    await test.step("one asks to clear it: that changes nothing, and the same person can't agree", async () => {
      await ann.getByRole("button", { name: "Clear kill switch" }).click();
      await ann.getByRole("dialog").getByRole("button", { name: "Clear" }).click();
      await expect(ann.getByRole("dialog")).toHaveCount(0);
      for (const page of [ann, bob]) await expect(banner(page)).toContainText(/Stopped.*ann has asked to clear it; a second person has to agree/);
      const again = ann.getByRole("button", { name: "Clear kill switch" });
      await expect(again).toBeDisabled();
      await expect(again).toHaveAttribute("title", /another person/i);
    });

    await test.step("the other agrees, and both see it over", async () => {
      await bob.getByRole("button", { name: "Clear kill switch" }).click();
      await bob.getByRole("dialog").getByRole("button", { name: "Clear" }).click();
      for (const page of [ann, bob]) await expect(banner(page)).not.toContainText("Stopped");
      await expect(ann.getByRole("button", { name: "Kill switch", exact: true })).toBeEnabled();
    });

    await test.step("and who did what is in the audit log", async () => {
      const eve = await person(browser, "eve", "admin");
      await eve.getByRole("tab", { name: "Audit log" }).click();
      const log = eve.getByRole("tabpanel", { name: "Audit log" });
      await expect(log).toContainText("ann");
      await expect(log).toContainText("bob");
      await eve.context().close();
    });
    await ann.context().close();
    await bob.context().close();
  });
});

test("a page that is open when the first key is made shows the sign-in, and no errors", async ({ page }) => {
  const demo = await Demo.start({ hours: 1, speed: 1 });
  try {
    await open(page, `${demo.url}/health`);
    const key = await demo.key("viewer");
    // A running server reads new keys within seconds; nobody touches the page.
    await expect(page.getByLabel("API key")).toBeVisible({ timeout: 30_000 });
    await expect(page.getByRole("alert")).toHaveCount(0);
    await expect(page.getByText("This couldn't be read")).toHaveCount(0);
    await page.getByLabel("API key").fill(key);
    await page.getByRole("button", { name: "Sign in" }).click();
    await expect(page.getByRole("heading", { level: 1, name: "Network health" }), "where it was").toBeVisible();
    await expect(page.locator(".connected")).toHaveText(/Live|Degraded/, { timeout: 20_000 });
    await go(page, "Incidents");
    await expect(page.getByText("This couldn't be read")).toHaveCount(0);
  } finally {
    await demo.end();
  }
});
