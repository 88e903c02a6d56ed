import { expect, test } from "vitest";
import { bundleWorkflows } from "../../src/runtime/bundle.ts";

test("the workflows are packed for the Node that runs them: neither private fields nor spreads are rewritten", async () => {
  const { code } = await bundleWorkflows();
  expect(code.match(/_class_private_\w+|_object_spread\w*|_object_without_properties\w*/g) ?? []).toEqual([]);
});
