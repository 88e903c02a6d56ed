import { chmodSync, mkdirSync, statSync } from "node:fs";
import { ConfigError } from "../config.ts";

const STICKY = 0o1000;

/** Makes the directory where it is missing. It is for nobody else, nor is what this process and its servers put into it. */
export function makeDataDir(dataDir: string): void {
  process.umask(0o077);
  try {
    mkdirSync(dataDir, { recursive: true });
    // One that everybody shares, as /tmp, stays so.
    if (!(statSync(dataDir).mode & STICKY)) chmodSync(dataDir, 0o700);
  } catch (error) {
    throw new ConfigError(`DATA_DIR ${dataDir} can't be made, or kept to its owner: ${(error as Error).message}.`);
  }
}
