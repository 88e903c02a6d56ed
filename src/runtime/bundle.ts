import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

/**
 * The workflows packed for the sandbox. Takes seconds; fails on whatever does not belong there, such as a Node module.
 * In a process of its own, which gives back the 100 MiB that it takes.
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
