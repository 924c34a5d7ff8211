/** A real issuer of tokens (npm's oauth2-mock-server, which `cargo xtask setup` fetches), and a server that trusts it. */
import { spawn, type ChildProcess } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface, type Interface } from "node:readline";

import type { Role } from "../src/api/types";
import { begin, end } from "./binary";

/** The same that the server's own tests drive. */
const SCRIPT = resolve(import.meta.dirname, "../../crates/server/tests/serve/oidc/issuer.mjs");

/** Where it was fetched to, as `cargo xtask e2e` says; null where it wasn't. */
export const ISSUER = ((place) => (place !== undefined && existsSync(place) ? place : null))(process.env["POINTSMAN_ISSUER"]);

export class Issuer {
  url = "";
  private readonly child: ChildProcess;
  private readonly lines: AsyncIterator<string>;
  private readonly reader: Interface;

  private constructor(place: string) {
    const child = spawn(process.execPath, [SCRIPT, place], { stdio: ["pipe", "pipe", "inherit"] });
    this.child = child;
    this.reader = createInterface({ input: child.stdout });
    this.lines = this.reader[Symbol.asyncIterator]();
  }

  static async start(place: string): Promise<Issuer> {
    const issuer = new Issuer(place);
    issuer.url = (await issuer.answer()) as string;
    return issuer;
  }

  private async answer(): Promise<unknown> {
    const line = await this.lines.next();
    if (line.done === true) throw new Error("the issuer has ended");
    return JSON.parse(line.value);
  }

  /** Who logs in there next. */
  async nextIs(sub: string, role: Role): Promise<void> {
    this.child.stdin?.write(`${JSON.stringify({ command: "login", claims: { sub, roles: [role] } })}\n`);
    await this.answer();
  }

  async end(): Promise<void> {
    this.reader.close();
    await end(this.child);
  }
}

/** `pointsman serve` with nothing but people of that issuer. */
export class Server {
  readonly url: string;
  private readonly folder: string;
  private readonly child: ChildProcess;

  private constructor(folder: string, url: string, child: ChildProcess) {
    this.folder = folder;
    this.url = url;
    this.child = child;
  }

  static async start(issuer: Issuer): Promise<Server> {
    const folder = await mkdtemp(join(tmpdir(), "pointsman-e2e-"));
    await writeFile(join(folder, "pointsman.toml"), `[auth.oidc]\nissuer = "${issuer.url}"\naudience = "pointsman"\n`);
    const { child, url } = await begin(["serve", "--listen", "127.0.0.1:0"], folder);
    return new Server(folder, url, child);
  }

  async end(): Promise<void> {
    await end(this.child);
    await rm(this.folder, { recursive: true, force: true });
  }
}
