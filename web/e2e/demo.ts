/** The real binary with its simulated network, on a free port and with a store of its own. */
import type { ChildProcess } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { Role } from "../src/api/types";
import { begin, end, makeKey } from "./binary";

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
    const args = ["demo", "--port", port, "--speed", String(speed), "--learn-hours", String(hours), "--dir", this.folder, "--calm", "--plain"];
    ({ child: this.child, url: this.url } = await begin(args, this.folder));
  }

  /** Ends the process; the store stays. */
  async stop(): Promise<void> {
    const child = this.child;
    this.child = null;
    if (child !== null) await end(child);
  }

  async end(): Promise<void> {
    await this.stop();
    await rm(this.folder, { recursive: true, force: true });
  }

  key(role: Role): Promise<string> {
    return makeKey(this.folder, role);
  }
}
