import { bundleWorkflowCode, type BundleOptions, DefaultLogger } from "@temporalio/worker";
import { fileURLToPath } from "node:url";

type WebpackConfig = Parameters<NonNullable<BundleOptions["webpackConfigHook"]>>[0];

/** The oldest Node that this runs on has all of it. */
const TARGET = "es2022";

const pathOf = (file: string): string => fileURLToPath(new URL(`../../workflows/${file}`, import.meta.url));

/** The SDK compiles for Node 8, where each private field is a WeakMap and each spread a loop: a tenth of what a run takes in the sandbox. */
function forThisNode(config: WebpackConfig): WebpackConfig {
  for (const rule of config.module?.rules ?? []) {
    const { use } = rule as { use?: { options?: { jsc?: { target: string } } } };
    if (use?.options?.jsc) use.options.jsc.target = TARGET;
  }
  return config;
}

// Writes the bundle to the standard output, and what is wrong to the standard error.
const { code } = await bundleWorkflowCode({
  workflowsPath: pathOf("index.ts"),
  workflowInterceptorModules: ["held-queries", "canceled", "clock", "shown-details"].map((name) =>
    pathOf(`run/${name}.ts`),
  ),
  preloadModules: [pathOf("run/preload.ts")],
  webpackConfigHook: forThisNode,
  logger: new DefaultLogger("WARN", ({ level, message }) => console.error(level, message)),
});
process.stdout.write(code);
