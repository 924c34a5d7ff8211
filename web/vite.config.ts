import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

import react from "@vitejs/plugin-react";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

/** JavaScript that a browser has to load, packed. */
const JS_BYTES_MAX = 350 * 1024;

/** Lays a packed copy beside each file, which the server hands out as it is, and holds the page to its size. */
function packed(): Plugin {
  return {
    name: "packed",
    apply: "build",
    async closeBundle() {
      const dir = join(import.meta.dirname, "dist/assets");
      let scripts = 0;
      for (const name of await readdir(dir)) {
        if (name.endsWith(".gz")) continue;
        const bytes = gzipSync(await readFile(join(dir, name)), { level: 9 });
        await writeFile(join(dir, `${name}.gz`), bytes);
        if (name.endsWith(".js")) scripts += bytes.length;
      }
      console.log(`JavaScript: ${(scripts / 1024).toFixed(0)} KiB packed`);
      if (scripts > JS_BYTES_MAX) {
        throw new Error(`${scripts} bytes of packed JavaScript; ${JS_BYTES_MAX} are allowed`);
      }
    },
  };
}

export default defineConfig({
  plugins: [react(), packed()],
  build: {
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: {
    proxy: Object.fromEntries(
      ["/v1", "/version", "/readyz", "/openapi.json"].map((path) => [
        path,
        process.env["POINTSMAN_URL"] ?? "http://127.0.0.1:7070",
      ]),
    ),
  },
  test: { include: ["src/**/*.test.ts"], environment: "node" },
});
