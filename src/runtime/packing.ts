import type { BundleOptions } from "@temporalio/worker";
import { fileURLToPath } from "node:url";

type WebpackConfig = Parameters<NonNullable<BundleOptions["webpackConfigHook"]>>[0];

/** The oldest Node that this runs on has all of it. */
const TARGET = "es2022";
/** Below workflows/, of each run. */
export const INTERCEPTORS = ["run/held-queries.ts", "run/canceled.ts", "run/clock.ts", "run/shown-details.ts"];
/** Below workflows/, what all runs of a worker share. */
export const PRELOADED = "run/preload.ts";

export const pathOf = (file: string): string => fileURLToPath(new URL(`../../workflows/${file}`, import.meta.url));

/** What is packed for the sandbox with an interpreter, and how. */
export const PACKING = {
  workflowInterceptorModules: INTERCEPTORS.map(pathOf),
  preloadModules: [pathOf(PRELOADED)],
  webpackConfigHook: forThisNode,
};

/** The SDK compiles for Node 8, where each private field is a WeakMap and each spread a loop: a tenth of what a run takes in the sandbox. */
function forThisNode(config: WebpackConfig): WebpackConfig {
  for (const rule of config.module?.rules ?? []) {
    const { use } = rule as { use?: { options?: { jsc?: { target: string } } } };
    if (use?.options?.jsc) use.options.jsc.target = TARGET;
  }
  return config;
}
