/** The real binary as a process: begun, asked for keys, and ended by its process id. */
import { execFile, spawn, type ChildProcess } from "node:child_process";
import { join, resolve } from "node:path";
import { promisify } from "node:util";

import type { Role } from "../src/api/types";

const run = promisify(execFile);

/** As `cargo build` leaves it, unless another is named. */
const BINARY =
  process.env["POINTSMAN_BIN"] ??
  join(process.env["CARGO_TARGET_DIR"] ?? resolve(import.meta.dirname, "../../target"), "debug/pointsman");

const START_MS_MAX = 120_000;

export type Begun = { child: ChildProcess; url: string };

/** Once it says where it listens. */
export function begin(args: string[], folder: string): Promise<Begun> {
  const child = spawn(BINARY, args, { cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  return new Promise((resolved, rejected) => {
    const timer = setTimeout(() => rejected(new Error(`it didn't begin in time:\n${said}`)), START_MS_MAX);
    let isUp = false;
    const hear = (chunk: Buffer) => {
      if (isUp) return;
      said += chunk.toString();
      const found = /listening on (http:\/\/\S+)/.exec(said);
      if (found?.[1] === undefined) return;
      isUp = true;
      clearTimeout(timer);
      resolved({ child, url: found[1] });
    };
    child.stdout.on("data", hear);
    child.stderr.on("data", hear);
    child.on("error", (error) => rejected(new Error(`${BINARY}: ${error.message}; \`cargo build\` makes it`)));
    child.on("exit", (code) => rejected(new Error(`it ended with ${String(code)}:\n${said}`)));
  });
}

/** Ends it, politely first. */
export async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const ended = new Promise((done) => child.once("exit", done));
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), 15_000);
  await ended;
  clearTimeout(timer);
}

/** Makes a key in the store of that folder, as somebody at the machine would. From the first one on everybody needs one. */
export async function makeKey(folder: string, role: Role): Promise<string> {
  const env = { ...process.env, POINTSMAN_STORE__URL: `sqlite:${join(folder, "pointsman.db")}` };
  const { stdout } = await run(BINARY, ["keys", "create", "--role", role, "--name", `${role} of a test`], { env, cwd: folder });
  return stdout.trim();
}
