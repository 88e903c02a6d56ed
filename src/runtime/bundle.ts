import { execFile } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const PACKER = "src/runtime/pack-workflows.ts";
const PACKED_BY = [PACKER, "src/runtime/packing.ts"];
/** What npm has installed, with the SDK and everything else that goes into a bundle. */
const INSTALLED = "node_modules/.package-lock.json";
const KEPT_IN = join(ROOT, "node_modules/.cache/workflow-runs");

/**
 * The workflows, packed for the sandbox. Packing takes seconds, so it is done once for the sources and packages that it is made of, and
 * kept. It fails if they import what can't run there, such as a Node module.
 */
export async function bundleWorkflows(): Promise<{ code: string }> {
  const name = nameOfBundle();
  try {
    return { code: readFileSync(join(KEPT_IN, name), "utf8") };
  } catch {
    const code = await pack();
    // Sources that were changed meanwhile are in it or are not.
    if (name === nameOfBundle()) keep(name, code);
    return { code };
  }
}

function nameOfBundle(): string {
  const workflows = readdirSync(join(ROOT, "workflows"), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts"))
    .map((file) => join("workflows", file));
  const hash = createHash("sha256");
  for (const file of [INSTALLED, ...PACKED_BY, ...workflows.sort()]) {
    const content = readFileSync(join(ROOT, file));
    hash.update(`${file} ${content.length} `).update(content);
  }
  return `workflows-${hash.digest("hex").slice(0, 32)}.js`;
}

/** A process of its own does it, which gives back the 100 MiB that it takes. */
async function pack(): Promise<string> {
  const options = { cwd: ROOT, maxBuffer: 64 * 1024 * 1024 };
  const packed = promisify(execFile)(process.execPath, ["--import", "tsx", PACKER], options);
  const { stdout } = await packed.catch(({ stderr }) => {
    throw new Error(`the workflows can't be packed:\n${stderr}`);
  });
  return stdout;
}

/** Instead of what was kept before. It appears under its name only when complete: several processes may do this at once. */
function keep(name: string, code: string): void {
  const draft = join(KEPT_IN, `draft-${randomBytes(6).toString("hex")}`);
  try {
    mkdirSync(KEPT_IN, { recursive: true });
    writeFileSync(draft, code);
    for (const old of readdirSync(KEPT_IN))
      if (old.startsWith("workflows-")) rmSync(join(KEPT_IN, old), { force: true });
    renameSync(draft, join(KEPT_IN, name));
  } catch {
    // Whoever runs this may not be allowed to write there. The next start packs again.
    rmSync(draft, { force: true });
  }
}
