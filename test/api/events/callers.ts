import { v7 as uuid } from "uuid";
import type { WorkflowRun } from "../../../src/contract/runs.ts";
import { findWaitingEventTrigger } from "../../../src/store/event-triggers.ts";
import { wait } from "../definitions.ts";
import { answered, envelope, eventTrigger } from "../shapes.ts";
import type { RequestOptions, Stack } from "../../stack/harness.ts";
import { until } from "../../stack/until.ts";

export const NOT_WAITING = "event trigger is not in waiting state";
export const NOT_FOUND = "event trigger not found";

export const pathOf = (key: string) => `/v1/events/${encodeURIComponent(key)}`;
export const keysOf = (events: { event_key: string }[]) => events.map(({ event_key }) => event_key);

/** A caller of a project of its own, where nothing has been sent yet. */
export function callerOf(stack: Stack) {
  const project = uuid();
  const token = stack.token({ projects: [project] });
  const ask = (method: string, path: string, body?: unknown, options: RequestOptions = {}) =>
    stack.request(method, path, body, { token, ...options });
  return {
    project,
    ask,
    list: async (query = "") => answered(await ask("GET", `/v1/events${query}`), 200, envelope(eventTrigger)),
    get: async (key: string) => answered(await ask("GET", pathOf(key)), 200, eventTrigger),
    /** A run that waits for the key. */
    async waits(key: string, over = {}): Promise<WorkflowRun> {
      const body = { name: "w", slug: uuid(), steps: [wait("paid", key, over)] };
      const { body: workflow } = (await ask("POST", "/v1/workflows", body)) as { body: { id: string } };
      const { body: run } = (await ask("POST", `/v1/workflows/${workflow.id}/trigger`)) as { body: WorkflowRun };
      await until(async () => (await findWaitingEventTrigger(stack.deps.db, project, key))?.run_id === run.id);
      return run;
    },
  };
}
