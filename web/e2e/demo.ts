/** The real binary with its simulated network, on a free port and with a store of its own; ended by its process id. */
import { execFile, spawn, type ChildProcess } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";

import type { Role } from "../src/api/types";

const run = promisify(execFile);

/** As `cargo build` leaves it, unless another is named. */
const BINARY =
  process.env["POINTSMAN_BIN"] ??
  join(process.env["CARGO_TARGET_DIR"] ?? resolve(import.meta.dirname, "../../target"), "debug/pointsman");

const START_MS_MAX = 120_000;

export type Wanted = {
  /** Seconds of the network that pass per second; 1 is the wall clock. */
  speed?: number;
  hours?: number;
};

export class Demo {
  readonly folder: string;
  url = "";
  private child: ChildProcess | null = null;
  private readonly wanted: Required<Wanted>;

  private constructor(folder: string, wanted: Required<Wanted>) {
    this.folder = folder;
    this.wanted = wanted;
  }

  /** Nothing breaks in it by itself. */
  static async start(wanted: Wanted = {}): Promise<Demo> {
    const folder = await mkdtemp(join(tmpdir(), "pointsman-e2e-"));
    const demo = new Demo(folder, { speed: 20, hours: 2, ...wanted });
    await demo.begin("0");
    return demo;
  }

  /** Begins again on the same port and the same store. */
  async again(): Promise<void> {
    await this.begin(new URL(this.url).port);
  }

  private async begin(port: string): Promise<void> {
    const { speed, hours } = this.wanted;
    const child = spawn(
      BINARY,
      ["demo", "--port", port, "--speed", String(speed), "--learn-hours", String(hours), "--dir", this.folder, "--calm", "--plain"],
      { stdio: ["ignore", "pipe", "pipe"] },
    );
    this.child = child;
    let said = "";
    this.url = await new Promise<string>((resolved, rejected) => {
      const timer = setTimeout(() => rejected(new Error(`it didn't begin in time:\n${said}`)), START_MS_MAX);
      const hear = (chunk: Buffer) => {
        if (this.url !== "" && said.length > 20_000) return;
        said += chunk.toString();
        const found = /listening on (http:\/\/\S+)/.exec(said);
        if (found?.[1] === undefined) return;
        clearTimeout(timer);
        resolved(found[1]);
      };
      child.stdout.on("data", hear);
      child.stderr.on("data", hear);
      child.on("error", (error) => rejected(new Error(`${BINARY}: ${error.message}; \`cargo build\` makes it`)));
      child.on("exit", (code) => rejected(new Error(`it ended with ${String(code)}:\n${said}`)));
    });
  }

  /** Ends the process; the store stays. */
  async stop(): Promise<void> {
    const child = this.child;
    this.child = null;
    if (child === null || child.exitCode !== null) return;
    const ended = new Promise((done) => child.once("exit", done));
    child.kill("SIGTERM");
    const timer = setTimeout(() => child.kill("SIGKILL"), 15_000);
    await ended;
    clearTimeout(timer);
  }

  async end(): Promise<void> {
    await this.stop();
    await rm(this.folder, { recursive: true, force: true });
  }

  /** Makes a key, as somebody at the machine would. From the first one on everybody needs one. */
  async key(role: Role): Promise<string> {
    const env = { ...process.env, POINTSMAN_STORE__URL: `sqlite:${join(this.folder, "pointsman.db")}` };
    const { stdout } = await run(BINARY, ["keys", "create", "--role", role, "--name", `${role} of a test`], { env, cwd: this.folder });
    return stdout.trim();
  }
}
