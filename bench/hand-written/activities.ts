import { Agent, request } from "undici";

const agent = new Agent();

/** One step: a POST to the endpoint, with the headers that the endpoint counts calls by. */
export async function callStep(step: { url: string; runId: string; body: object }): Promise<unknown> {
  const response = await request(step.url, {
    method: "POST",
    dispatcher: agent,
    headers: { "content-type": "application/json", "x-run-id": step.runId, "x-attempt": "1" },
    body: JSON.stringify(step.body),
  });
  if (response.statusCode >= 300) throw new Error(`the endpoint answered ${response.statusCode}`);
  return response.body.json();
}
