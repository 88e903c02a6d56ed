import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

/**
 * Packs the workflows for the sandbox. It takes seconds, and fails if they import what can't run there, such as a Node module. A
 * process of its own does it, which gives back the 100 MiB that it takes.
 */
export async function bundleWorkflows(): Promise<{ code: string }> {
  const root = fileURLToPath(new URL("../..", import.meta.url));
  const args = ["--import", "tsx", "src/runtime/pack-workflows.ts"];
  const options = { cwd: root, maxBuffer: 64 * 1024 * 1024 };
  const packed = promisify(execFile)(process.execPath, args, options);
  const { stdout } = await packed.catch(({ stderr }) => {
    throw new Error(`the workflows can't be packed:\n${stderr}`);
  });
  return { code: stdout };
}
