import { chmodSync, mkdirSync, statSync } from "node:fs";
import { ConfigError } from "../config.ts";

const STICKY = 0o1000;

/** Makes the directory if it is missing. Nobody else may read it, nor what this process and its servers put into it. */
export function makeDataDir(dataDir: string): void {
  process.umask(0o077);
  try {
    mkdirSync(dataDir, { recursive: true });
    // A directory that everybody shares, like /tmp, is left as it is.
    if (!(statSync(dataDir).mode & STICKY)) chmodSync(dataDir, 0o700);
  } catch (error) {
    throw new ConfigError(`DATA_DIR ${dataDir} can't be made, or kept to its owner: ${(error as Error).message}.`);
  }
}
