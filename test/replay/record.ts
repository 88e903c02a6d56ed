/**
 * Records the histories that replay.test.ts replays, into test/replay/histories: `npx tsx test/replay/record.ts`.
 *
 * To be run when a change of the workflows is meant to alter what they ask of Temporal. That breaks the runs that are
 * open at the time of the change; if there may be any, the change needs `patched()` and the old histories stay.
 */
import { startVitest } from "vitest/node";

// The runs that are recorded need the same servers as the tests do.
const vitest = await startVitest("test", [], {
  include: ["test/replay/recorded-runs.ts"],
  watch: false,
  reporters: ["verbose"],
});
await vitest.close();
