import { execFile } from "node:child_process";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { loadDevConfig } from "../../src/config.ts";
import { withProgress } from "../../src/dev/progress.ts";

const VERSION = "4.32.5";
const run = promisify(execFile);

/** The command; what is not there is installed from PyPI, into the cache. */
export async function schemathesis(): Promise<string> {
  const home = join(loadDevConfig().cacheDir, `schemathesis-${VERSION}`);
  const command = join(home, "bin", "schemathesis");
  // An install that was interrupted is not taken for one.
  if (await run(command, ["--version"]).catch(() => undefined)) return command;
  rmSync(home, { recursive: true, force: true });
  await run("python3", ["-m", "venv", home]).catch(() => {
    console.error("This needs Python 3.10 or newer with its venv module (Debian: python3 and python3-venv).");
    process.exit(1);
  });
  const install = run(join(home, "bin", "pip"), ["install", "--quiet", `schemathesis==${VERSION}`]);
  await withProgress(console.error, `Installing schemathesis ${VERSION} (once)`, install);
  return command;
}
