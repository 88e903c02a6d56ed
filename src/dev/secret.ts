import { randomBytes } from "node:crypto";
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { ConfigError } from "../config.ts";

/**
 * A secret kept under the data directory, made when it is first asked for. Whoever asks at the same time gets the
 * same one: the file appears under its name only when complete, and only once.
 */
export function devSecret(dataDir: string, name: string): string {
  const file = join(dataDir, name);
  const draft = `${file}.${randomBytes(6).toString("hex")}`;
  try {
    return readFileSync(file, "utf8");
  } catch {
    write(draft);
  }
  try {
    linkSync(draft, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  } finally {
    rmSync(draft);
  }
  return readFileSync(file, "utf8");
}

function write(draft: string): void {
  try {
    mkdirSync(dirname(draft), { recursive: true, mode: 0o700 });
    writeFileSync(draft, randomBytes(32).toString("hex"), { mode: 0o600, flag: "wx" });
  } catch (error) {
    throw new ConfigError(`DATA_DIR can't keep a secret: ${(error as Error).message}.`);
  }
}
