import { Context } from "@temporalio/activity";
import { Agent, request } from "undici";

const agent = new Agent();

const HEARTBEAT_MS = 1_000;

interface Step {
  url: string;
  runId: string;
  body: object;
}

/** One step, with heartbeats where it is an ordinary activity. */
export async function callStep(step: Step): Promise<unknown> {
  const context = Context.current();
  if (context.info.isLocal) return call(step);
  const heartbeat = setInterval(() => context.heartbeat(), HEARTBEAT_MS);
  return call(step).finally(() => clearInterval(heartbeat));
}

/** A POST to the endpoint, with the headers that the endpoint counts calls by. */
async function call(step: Step): Promise<unknown> {
  const response = await request(step.url, {
    method: "POST",
    dispatcher: agent,
    headers: { "content-type": "application/json", "x-run-id": step.runId, "x-attempt": "1" },
    body: JSON.stringify(step.body),
  });
  if (response.statusCode >= 300) throw new Error(`the endpoint answered ${response.statusCode}`);
  return response.body.json();
}
