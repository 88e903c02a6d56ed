import { expect } from "vitest";
import type { Workflow } from "../../../src/contract/workflows.ts";
import type { Answered, Stack } from "../../stack/harness.ts";

/** On an idle machine it is 10 to 15 s, so that clients, who give up after 30 s, are told: what takes this long, hangs. */
export const TOLD_WITHIN_MS = 60_000;
const OUTAGE = "a service this depends on cannot be reached, try again";

export interface Refused {
  error: string;
  code: string;
  details?: string[];
}

export function expectUnavailable({ status, headers, body }: Answered<Refused>): void {
  expect({ status, body }).toMatchObject({ status: 503, body: { error: OUTAGE, code: "unavailable" } });
  expect(Number(headers.get("retry-after"))).toBeGreaterThan(0);
}

let keys = 0;
/** The triggers there are: with and without a key, a payload, a limit. */
export const triggers = (stack: Stack, plain: Workflow, limited: Workflow) => {
  const trigger = ({ id }: Workflow, body: object = {}, headers?: Record<string, string>) =>
    stack.request<Refused>("POST", `/v1/workflows/${id}/trigger`, body, { headers });
  return [
    () => trigger(plain),
    () => trigger(plain, { payload: { a: 1 } }),
    () => trigger(plain, {}, { "idempotency-key": `once-${++keys}` }),
    () => trigger(limited),
  ];
};

export async function readiness(stack: Stack): Promise<Record<string, string>> {
  const { status, headers, body } = await stack.request<{
    status: string;
    components: { name: string; status: string }[];
  }>("GET", "/health/ready");
  const is = [status, body.status, headers.get("retry-after")];
  expect(is).toEqual(status === 200 ? [200, "up", null] : [503, "down", "1"]);
  return Object.fromEntries(body.components.map(({ name, status }) => [name, status]));
}
