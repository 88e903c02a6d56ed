import pMap from "p-map";
import { inject } from "vitest";
import { plainHistory } from "./histories.ts";
import { replayHistories } from "../../src/cli/replay-history.ts";
import type { Temporal } from "../../src/temporal/connection.ts";

/** The histories, of these runs, that do not replay: with where, and why. */
export async function divergedAmong({ workflow }: Temporal, runs: string[]): Promise<object[]> {
  const histories = await pMap(runs, (id) => workflow.getHandle(id).fetchHistory(), { concurrency: 10 });
  const divergences = await replayHistories({ codePath: inject("bundlePath") }, histories);
  return histories.flatMap((history, i) =>
    divergences[i] ? [{ run: runs[i], ...divergences[i], history: plainHistory(history) }] : [],
  );
}
