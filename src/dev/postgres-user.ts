import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { ConfigError } from "../config.ts";

/**
 * PostgreSQL refuses to run as root. Returns the words to put before its command line; none for an ordinary user.
 *
 * Root's first choice is a user namespace in which root has another number: the server can still reach whatever root
 * can, also below a private directory such as /root. Where that is not allowed (in most containers), it is the user
 * `postgres`, or else `nobody`, who must be able to reach `home` and the binary.
 */
export function runAs(home: string, binary: string): string[] {
  if (process.getuid?.() !== 0) return [];
  const namespace = ["unshare", "--user", "--map-user=65534", "--map-group=65534"];
  const users = ["postgres", "nobody"].filter((user) => succeeds(["id", "-u", user]));
  const choices = [
    { owner: "root", words: namespace },
    ...users.map((owner) => ({
      owner,
      words: ["setpriv", `--reuid=${owner}`, `--regid=${gidOf(owner)}`, "--clear-groups"],
    })),
  ];
  for (const { owner, words } of choices) {
    // The probe is a directory of the server's future owner inside home: made, owned, entered and written into.
    const probe = join(home, "probe");
    mkdirSync(probe, { recursive: true });
    if (!succeeds(["chown", "-R", owner, home])) continue;
    if (owner !== "root") letThrough(dirname(home), owner);
    const test = `cd "$0" && : > written && rm written && "$1" --version`;
    if (succeeds([...words, "sh", "-c", test, probe, binary])) return words;
  }
  throw new ConfigError(
    `PostgreSQL does not run as root, and no other user can reach ${home} and ${binary}: ` +
      "start as an ordinary user, move the project and DATA_DIR to where every user can reach them, or set DATABASE_URL.",
  );
}

/** Lets the server's user pass through directories that nobody else may read, without listing them. */
function letThrough(dataDir: string, user: string): void {
  const { mode } = statSync(dataDir);
  if (mode & 0o001) return;
  if (succeeds(["chgrp", gidOf(user), dataDir])) chmodSync(dataDir, (mode & 0o7700) | 0o010);
}

function succeeds([command = "", ...args]: string[]): boolean {
  return spawnSync(command, args, { stdio: "ignore" }).status === 0;
}

function gidOf(user: string): string {
  return spawnSync("id", ["-g", user], { encoding: "utf8" }).stdout.trim();
}
