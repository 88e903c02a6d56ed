import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { bundleWorkflows } from "../../src/runtime/bundle.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** The workflows, packed once for all that run or replay them. */
    bundlePath: string;
  }
}

export default async function setup(project: TestProject): Promise<() => void> {
  const dir = mkdtempSync(join(tmpdir(), "workflow-runs-bundle-"));
  const bundlePath = join(dir, "workflows.js");
  writeFileSync(bundlePath, (await bundleWorkflows()).code);
  project.provide("bundlePath", bundlePath);
  return () => rmSync(dir, { recursive: true, force: true });
}
