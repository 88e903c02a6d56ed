import { startVitest } from "vitest/node";

/**
 * Records the histories that replay.test.ts replays, into test/replay/histories: `npx tsx test/replay/record.ts`, or of one file
 * `npx tsx test/replay/record.ts recorded-gates`.
 *
 * Those that are there stay. A history is deleted, and recorded anew, only when a change of the workflows is meant to
 * alter what they ask of Temporal, and no run can be open that was begun before; otherwise the change needs `patched()`.
 */

// The runs that are recorded need the same servers as the tests do.
const vitest = await startVitest("test", process.argv.slice(2), {
  config: false,
  pool: "forks",
  include: ["test/replay/recorded-*.ts"],
  globalSetup: ["test/stack/bundle.ts", "test/stack/shared-servers.ts"],
  testTimeout: 300_000,
  hookTimeout: 300_000,
  watch: false,
  reporters: ["verbose"],
});
await vitest.close();
