import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ConfigError } from "../config.ts";
import { commandOf } from "./server-process.ts";

/** Keeps a second stack out of a data directory until we exit. A lock whose process is gone does not count. */
export function lockDataDir(dataDir: string): void {
  const file = join(dataDir, "lock");
  // The command line is kept beside the pid, because after a reboot the same number can be another process.
  const own = `${process.pid} ${commandOf(process.pid)}`;
  try {
    writeFileSync(file, own, { flag: "wx" });
  } catch {
    const [pid = "", ...command] = readFileSync(file, "utf8").split(" ");
    if (commandOf(Number(pid)) === command.join(" ") && command.length > 0) {
      throw new ConfigError(
        `It is already running, as process ${pid}, on ${dataDir}. Set DATA_DIR to run another beside it.`,
      );
    }
    rmSync(file, { force: true });
    lockDataDir(dataDir);
    return;
  }
  process.once("exit", () => rmSync(file, { force: true }));
}
