import { defineConfig } from "vitest/config";

/** What a test of these folders asks of the machine decides which project it is of. */
const SERVERLESS = ["engine", "expressions", "rules", "endpoint", "docs", "unit", "mirror", "house", "simulation"];
/** The packed workflows and no server. */
const BUNDLED = ["test/replay/{replay,lost-process}.test.ts", "test/{calls,sdk}/**/*.test.ts"];
/** Random cases by the hundred or the thousand, each played or measured: most of a minute of them. */
const PROPERTIES = [
  "test/model/**/*.test.ts",
  "test/{engine,expressions,hostile,rules,simulation}/**/*.property.test.ts",
];
const testsIn = (folders: string[]) => folders.map((folder) => `test/${folder}/**/*.test.ts`);

export default defineConfig({
  test: {
    pool: "forks",
    // Two cores: each file with a stack is one more worker beside the two servers.
    maxWorkers: 2,
    // Only what hangs takes so long, be the machine as busy as it may.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    reporters: ["default", "json"],
    outputFile: { json: "test-report.json" },
    projects: [
      // Their files leave nothing behind that another could see: they share what they import.
      { extends: true, test: { name: "unit", include: testsIn(SERVERLESS), exclude: PROPERTIES, isolate: false } },
      { extends: true, test: { name: "properties", include: PROPERTIES } },
      {
        extends: true,
        test: { name: "bundle", include: BUNDLED, globalSetup: "test/stack/bundle.ts", isolate: false },
      },
      {
        extends: true,
        test: {
          name: "stack",
          include: ["test/**/*.test.ts"],
          exclude: [...testsIn(SERVERLESS), ...PROPERTIES, ...BUNDLED],
          globalSetup: ["test/stack/bundle.ts", "test/stack/shared-servers.ts"],
          isolate: false,
        },
      },
    ],
  },
});
