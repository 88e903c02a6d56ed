import type { Client } from "@temporalio/client";
import { v7 as uuid } from "uuid";
import { HAND_WRITTEN } from "../hand-written/task-queue.ts";
import { command, type gate, outcome } from "../hand-written/workflows.ts";
import { timed } from "../load.ts";

const COMMANDS = 20;

/** The least that a command can cost on Temporal: a workflow written for it, spoken to by its own client. */
export function byHand({ workflow }: Client) {
  const open = async (commands: number) => {
    const handle = await workflow.start<typeof gate>("gate", {
      ...{ workflowId: uuid(), taskQueue: HAND_WRITTEN, args: [commands] },
    });
    // Answered once it waits.
    await handle.query(outcome, "none");
    return handle;
  };
  return {
    /** A signal that ends the workflow, until its result is here. */
    async toTheEnd(): Promise<number[]> {
      const took: number[] = [];
      for (let n = 0; n < COMMANDS; n++) {
        const handle = await open(1);
        took.push(
          await timed(async () => {
            await handle.signal(command, "last");
            await handle.result();
          }),
        );
      }
      return took;
    },
    /** A signal, and the query what became of it. */
    async signalAndQuery(): Promise<number[]> {
      const took: number[] = [];
      // One more than are sent, so that it stays open.
      const handle = await open(COMMANDS + 1);
      for (let n = 0; n < COMMANDS; n++) {
        const id = uuid();
        took.push(
          await timed(async () => {
            await handle.signal(command, id);
            if ((await handle.query(outcome, id)) !== "applied") throw new Error("a command was not applied");
          }),
        );
      }
      await handle.terminate();
      return took;
    },
  };
}
