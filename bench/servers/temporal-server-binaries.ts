import { execFile } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { type Say, withProgress } from "../../src/dev/progress.ts";

const VERSION = "1.29.1";
const MODULE = "go.temporal.io/server";
const run = promisify(execFile);

/** A directory with Temporal's `server`, its `sql` tool and its PostgreSQL `schema`, built with Go when first asked for. */
export async function temporalServerBinaries(cacheDir: string, say: Say): Promise<string> {
  const cached = join(cacheDir, `temporal-server-${VERSION}`);
  if (existsSync(cached)) return cached;
  mkdirSync(cacheDir, { recursive: true });
  // Filled beside its place and moved there when complete.
  const draft = mkdtempSync(join(cacheDir, "draft-"));
  try {
    const packages = ["server", "tools/sql"].map((name) => `${MODULE}/cmd/${name}@v${VERSION}`);
    const build = run("env", [`GOBIN=${draft}`, "go", "install", ...packages], { maxBuffer: 1e8 });
    await withProgress(say, `Building the Temporal server ${VERSION} with Go (some minutes, once)`, build);
    const { stdout } = await run("go", ["mod", "download", "-json", `${MODULE}@v${VERSION}`]);
    const { Dir } = JSON.parse(stdout) as { Dir: string };
    cpSync(join(Dir, "schema/postgresql/v12"), join(draft, "schema"), { recursive: true });
    // Modules are kept read-only; this copy is an ordinary one.
    await run("chmod", ["-R", "u+w", draft]);
    renameSync(draft, cached);
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
  return cached;
}
