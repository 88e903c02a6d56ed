import { randomBytes } from "node:crypto";
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

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
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    writeFileSync(draft, randomBytes(32).toString("hex"), { mode: 0o600, flag: "wx" });
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
