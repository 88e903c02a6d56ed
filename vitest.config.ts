import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: "test/stack/global-setup.ts",
    pool: "forks",
    // Two cores: each file with a stack is one more worker beside the two servers.
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    reporters: ["default", "json"],
    outputFile: { json: "test-report.json" },
  },
});
