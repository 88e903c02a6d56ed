import { continueAsNew, setCurrentDetails, workflowInfo } from "@temporalio/workflow";
import type { Sweep } from "./messages.ts";
import { sweeps } from "../proxies.ts";

/** Deletes what the rules don't keep. A day's work may be hours: it goes on in slices, each of which any worker can take up. */
export async function retentionSweep({ retention, deleted = 0 }: Sweep): Promise<{ deleted: number }> {
  for (let total = deleted; ; ) {
    const slice = await sweeps.letGo({ retention });
    total += slice.deleted;
    setCurrentDetails(`${total} runs deleted`);
    if (slice.is_done) return { deleted: total };
    if (workflowInfo().continueAsNewSuggested)
      await continueAsNew<typeof retentionSweep>({ retention, deleted: total });
  }
}
