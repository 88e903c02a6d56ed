import { status } from "@grpc/grpc-js";
import { isGrpcServiceError, type QueryDefinition, ServiceError, WorkflowNotFoundError } from "@temporalio/client";
import { isOutage } from "../outage.ts";
import type { Temporal } from "./connection.ts";
import { OUTCOME_ANSWERED_MS, QUERY_ANSWERED_MS } from "../../workflows/timing.ts";

interface Deps {
  temporal: Temporal;
}

/** A query that comes while a local activity holds the run's workflow task gets no answer: it is asked again. */
const ONE_TRY_MS = 2_000;

/** Asks a run's workflow. Undefined: no worker could answer in time, or Temporal does not know the run. */
export const askRun = <Answer, Args extends unknown[]>(
  deps: Deps,
  runId: string,
  query: QueryDefinition<Answer, Args>,
  ...args: Args
): Promise<Answer | undefined> => askBefore(Date.now() + QUERY_ANSWERED_MS, deps, runId, query, args);

async function askBefore<Answer, Args extends unknown[]>(
  deadline: number,
  { temporal }: Deps,
  runId: string,
  query: QueryDefinition<Answer, Args>,
  args: Args,
): Promise<Answer | undefined> {
  try {
    const handle = temporal.workflow.getHandle(runId);
    return await temporal.withDeadline(deadline, () => handle.query(query, ...args));
  } catch (error) {
    if (error instanceof WorkflowNotFoundError || isUnanswered(error)) return undefined;
    throw error;
  }
}

/** No worker came in time, or the server knows that there is none, or that none completes the run's workflow task. */
export function isUnanswered(error: unknown): boolean {
  if (isGrpcServiceError(error) && error.code === status.FAILED_PRECONDITION) return true;
  // The client wraps what gRPC said.
  return isOutage(error) || (error instanceof ServiceError && isUnanswered(error.cause));
}

/** Asks until the run has an answer: a reopened run loads its state first. */
export async function askUntil<Answer, Args extends unknown[]>(
  deps: Deps,
  runId: string,
  enough: (answer: NonNullable<Answer>) => boolean,
  query: QueryDefinition<Answer, Args>,
  ...args: Args
): Promise<NonNullable<Answer> | undefined> {
  const end = Date.now() + OUTCOME_ANSWERED_MS;
  for (let pause = 5; Date.now() < end; pause = Math.min(pause * 2, 100)) {
    const tryEnd = Math.min(end, Date.now() + ONE_TRY_MS);
    const answer = await askBefore(tryEnd, deps, runId, query, args);
    // Sooner than that, it was the server that knew that nobody answers.
    if (answer === undefined && Date.now() < tryEnd) return undefined;
    if (answer != null && enough(answer as NonNullable<Answer>)) return answer as NonNullable<Answer>;
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
  return undefined;
}
