/** What tests do again and again. */
import { expect, type Page } from "@playwright/test";

/** A page that is there and connected. */
export async function open(page: Page, url: string): Promise<void> {
  await page.goto(url);
  await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
  await expect(page.locator(".connected")).toHaveText(/Live|Degraded/, { timeout: 20_000 });
}

/** Chooses by what is seen, once it can be chosen. */
export async function choose(page: Page, label: string, option: string): Promise<void> {
  await page.getByRole("combobox", { name: label, exact: true }).selectOption({ label: option });
}

/** Goes to a page without loading it anew: the key lives in its memory alone. */
export async function go(page: Page, name: string): Promise<void> {
  await page.getByRole("navigation", { name: "Pages" }).getByRole("link", { name }).click();
  await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
}
