import type { Client } from "@temporalio/client";
import { v7 as uuid } from "uuid";
import { HAND_WRITTEN } from "./task-queue.ts";
import type { Lane, layers } from "./workflows.ts";
import type { Servers } from "../servers/index.ts";
import { type Shape, stepsOf } from "../shapes.ts";
import type { Subject } from "../subject.ts";

export const startHandWritten = ({ startScript, temporalAddress }: Servers) =>
  startScript(HAND_WRITTEN, "hand-written/worker.ts", { TEMPORAL_ADDRESS: temporalAddress });

/** The baseline: started by a Temporal client in the load generator, which also awaits the result. */
export function handWritten(client: Client, lane: Lane, endpointUrl: string, delayMs = 0): Subject {
  const url = `${endpointUrl}/${HAND_WRITTEN}?delay=${delayMs}`;
  const subject: Subject = {
    name: `by hand, ${lane}`,
    stepsRun: 0,
    async run({ widths }: Shape) {
      const handle = await client.workflow.start<typeof layers>("layers", {
        ...{ workflowId: uuid(), taskQueue: HAND_WRITTEN, args: [widths, lane, url] },
      });
      await handle.result();
      subject.stepsRun += stepsOf({ widths });
    },
  };
  return subject;
}
