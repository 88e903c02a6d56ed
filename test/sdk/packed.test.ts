import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { bundleWorkflows } from "../../src/runtime/bundle.ts";

test("the workflows are packed for the Node that runs them: neither private fields nor spreads are rewritten", async () => {
  const { code } = await bundleWorkflows();
  expect(code.match(/_class_private_\w+|_object_spread\w*|_object_without_properties\w*/g) ?? []).toEqual([]);
});

test("Math is a constant of the bundle, and the object that the SDK gives its random to", async () => {
  const { code } = await bundleWorkflows();
  expect(code.startsWith("const Math = globalThis.Math;")).toBe(true);
  const overrides = readFileSync("node_modules/@temporalio/workflow/lib/global-overrides.js", "utf8");
  expect(overrides.match(/\S*\bMath\b.* = /g)).toEqual(["Math.random = "]);
});
