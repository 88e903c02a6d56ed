import { v7 as uuid } from "uuid";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { createWorkflowBody } from "../../../src/contract/create-workflow.ts";
import { sendEventBody, sendToPrefixBody } from "../../../src/contract/events/events.ts";
import { bulkTriggerBody, jobTriggerBody, replayBody } from "../../../src/contract/jobs/trigger.ts";
import { batchJobsBody, cloneJobBody, createJobBody, updateJobBody } from "../../../src/contract/jobs/jobs.ts";
import { stepInput } from "../../../src/contract/steps.ts";
import { triggerBody } from "../../../src/contract/trigger.ts";
import { approveBody } from "../../../src/contract/verbs.ts";
import { IGNORED, UNSUPPORTED } from "../../../src/contract/without-effect.ts";
import { createJob, createWorkflow, gate, ok, opens, runOf } from "../definitions.ts";
import { BODIES } from "../../hostile/drafts.ts";
import { answered, refused, run as runShape } from "../shapes.ts";
import { type Stack, startStack } from "../../stack/harness.ts";

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.stop());

const words = (text: string) => text.trim().split(/\s+/);

/** Every field that does what it says, by body; what only describes does so by being shown. */
const EFFECTIVE = new Map<unknown, string[]>([
  [
    createWorkflowBody,
    words(`project_id name slug description tags enabled timeout_secs max_concurrent_runs max_parallel_steps
      version_policy steps`),
  ],
  [
    createJobBody,
    words(`project_id name slug description tags endpoint_url fallback_endpoint_url headers max_attempts timeout_secs
      run_ttl_secs retry_strategy retry_delays_secs payload_schema result_schema execution_mode`),
  ],
  [
    updateJobBody,
    words(`project_id name slug description tags endpoint_url fallback_endpoint_url headers max_attempts timeout_secs
      run_ttl_secs retry_strategy retry_delays_secs payload_schema result_schema execution_mode enabled`),
  ],
  [cloneJobBody, words("project_id name slug")],
  [batchJobsBody, ["jobs"]],
  [jobTriggerBody, words("project_id payload tags idempotency_key")],
  [bulkTriggerBody, ["items"]],
  [replayBody, ["payload"]],
  [triggerBody, words("project_id payload triggered_by tags labels step_overrides idempotency_key")],
  [approveBody, words("comment values step_attempt shown_hash")],
  [sendEventBody, words("payload hold_secs")],
  [sendToPrefixBody, words("payload")],
  [
    stepInput,
    words(`step_ref step_type type job_id job depends_on condition on_failure payload approval_timeout_secs approval_remind_every_secs approval_escalation
      approval_approvers approvers approvals_required approval_reject approval_exclude approval_on_timeout
      approval_title approval_text approval_payload approval_links approval_form approval_options timeout_secs retry_max_attempts retry_backoff retry_initial_delay_secs
      retry_max_delay_secs timeout_secs_override output_transform sub_workflow_id workflow max_nesting_depth event_key
      event_timeout_secs event_notify_url event_emit_key sleep_duration_secs sleep_duration concurrency_key
      resource_class on_skip`),
  ],
]);
const WITHOUT = new Map<unknown, { ignored?: readonly string[]; unsupported?: object }>([
  [createWorkflowBody, { ignored: IGNORED.workflow, unsupported: UNSUPPORTED.workflow }],
  [createJobBody, { ignored: IGNORED.job, unsupported: UNSUPPORTED.job }],
  [updateJobBody, { ignored: IGNORED.jobUpdate, unsupported: UNSUPPORTED.job }],
  [jobTriggerBody, { ignored: IGNORED.jobTrigger }],
  [triggerBody, { ignored: IGNORED.trigger }],
  [approveBody, { ignored: IGNORED.approve }],
]);
const OTHERS: Record<string, string[]> = {
  reject: words("reason comment step_attempt shown_hash"),
  choose: words("option comment values step_attempt shown_hash"),
  comment: ["comment"],
  decide: words("decision option comment approvals"),
  skip: ["reason"],
  "force-complete": ["result"],
  "bulk-cancel": ["workflow_run_ids"],
  "bulk-replay": ["workflow_run_ids"],
  "bulk-operations": words("project_id operation step_ref ids filter reason max_per_second version"),
  pause: ["reason"],
  resume: ["reason"],
  abort: ["reason"],
  purge: ["older_than_days"],
  clone: ["project_id", "name", "slug"],
  plan: ["step_overrides"],
};

function fieldsOf(schema: z.core.$ZodType): string[] {
  if (schema instanceof z.ZodPipe) return [...new Set([...fieldsOf(schema.in), ...fieldsOf(schema.out)])];
  return schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
}

test.each([...BODIES.map(({ route, schema }) => [route, schema] as const), ["a step", stepInput] as const])(
  "every field of %s has an effect, or is refused, or is named",
  (route, schema) => {
    const effective = EFFECTIVE.get(schema) ?? OTHERS[route.split("/").at(-1) ?? ""] ?? [];
    const { ignored = [], unsupported = {} } = WITHOUT.get(schema) ?? {};
    const all = [...effective, ...ignored, ...Object.keys(unsupported)];
    expect([...all].sort()).toEqual([...fieldsOf(schema)].sort());
  },
);

const create = (path: string, over: object, query = "") =>
  stack.request<Record<string, unknown>>("POST", `/v1/${path}${query}`, {
    name: "x",
    slug: uuid(),
    ...(path === "jobs" && { endpoint_url: stack.jobs.url("/x") }),
    ...over,
  });

describe("what has no effect yet is refused by name", () => {
  const asked: [path: "jobs" | "workflows", over: Record<string, unknown>][] = [
    ["workflows", { cron: "@daily" }],
    ["workflows", { cron: "0 9 * * 1-5", cron_timezone: "Europe/Berlin" }],
    ["workflows", { cron_timezone: "Europe/Berlin" }],
    ["workflows", { skip_if_running: true }],
    ["jobs", { cron: "@hourly" }],
    ["jobs", { version_policy: "minor" }],
    ["jobs", { max_concurrency: 1 }],
  ];
  test.each(asked)("%s %j", async (path, over) => {
    const before = await ok<unknown[]>(stack, "GET", `/v1/${path}?limit=100`);
    for (const query of ["", "?dryRun=true"]) {
      const named = Object.keys(over).sort();
      const { details = [] } = refused(
        await create(path, over, query),
        400,
        "validation_error",
        / is not supported yet$/,
      );
      expect([...details].sort()).toEqual(named.map((name) => `${name}: is not supported yet`));
    }
    expect(await ok(stack, "GET", `/v1/${path}?limit=100`)).toEqual(before);
  });

  test.each<[string, Record<string, unknown>]>([
    ["workflows", { cron: "", cron_timezone: "", skip_if_running: false, version_policy: "pin" }],
    ["workflows", { cron: null, cron_timezone: null, skip_if_running: null, version_policy: null }],
    ["jobs", { cron: "", version_policy: "pin", max_concurrency: 0, run_ttl_secs: 0, retry_delays_secs: [] }],
    ["jobs", { retry_strategy: "exponential", payload_schema: {}, result_schema: true }],
    ["jobs", { retry_strategy: null, payload_schema: null, retry_delays_secs: null, run_ttl_secs: null }],
  ])("and taken where it asks for none: %s %j", async (path, over) => {
    expect((await create(path, over)).status).toBe(201);
  });
});

describe("X-Ignored-Fields", () => {
  const value = { timezone: "UTC", environment_id: "e", approver: "bob" };
  const drafted = (names: readonly string[]) =>
    Object.fromEntries(
      names.map((name) => [name, name in value ? value[name as keyof typeof value] : "x, y\r\nz: \u00fc"]),
    );

  test.each([
    ["workflows", IGNORED.workflow],
    ["jobs", IGNORED.job],
  ])("names what was sent to %s and has no effect, and shows none of it", async (path, names) => {
    const answer = await create(path, drafted(names));
    expect(answer.status).toBe(201);
    expect(answer.headers.get("x-ignored-fields")).toBe(names.join(", "));
    const read = await ok<object>(stack, "GET", `/v1/${path}/${answer.body.id}`);
    for (const name of names) expect(read).not.toHaveProperty(name);
    const one = await create(path, { webhook_url: null, webhook_secret: "s" }, "?dryRun=true");
    expect(one.headers.get("x-ignored-fields")).toBe("webhook_secret");
    expect((await create(path, {})).headers.get("x-ignored-fields")).toBeNull();
  });

  test("names what was sent to a trigger and an approval", async () => {
    const workflow = await createWorkflow(stack, [gate("gate")]);
    const trigger = (body: object) => stack.request("POST", `/v1/workflows/${workflow.id}/trigger`, body);
    const answer = await trigger({ ...drafted(IGNORED.trigger), payload: { metadata: 1 }, idempotency_key: uuid() });
    const run = answered(answer, 202, runShape);
    expect(answer.headers.get("x-ignored-fields")).toBe("priority, metadata");
    expect((await trigger({ metadata: {}, dry_run: true })).headers.get("x-ignored-fields")).toBe("metadata");
    expect((await trigger({ payload: { metadata: 1 } })).headers.get("x-ignored-fields")).toBeNull();
    await opens(stack, run, "gate");
    const approved = await stack.request("POST", `/v1/workflow-runs/${run.id}/steps/gate/approve`, { approver: "bob" });
    expect(approved.headers.get("x-ignored-fields")).toBe("approver");
  });
});

test("X-Ignored-Fields names fields of a step that belong to steps of another type, the first twenty of them", async () => {
  const job = await createJob(stack, "/x");
  const named = async (steps: object[]) => {
    const answer = await create("workflows", { steps });
    expect(answer.status).toBe(201);
    const text = JSON.stringify(answer.body.steps);
    const ignored = answer.headers.get("x-ignored-fields");
    // What has no effect is not kept either. (How retries back off is shown of every step.)
    if (steps.length === 1)
      for (const field of ignored?.split(", ") ?? []) expect(text).not.toContain(`"${field.split(".").at(-1)}"`);
    return ignored;
  };
  const retries = { retry_max_attempts: 3, retry_backoff: "fixed", output_transform: "a" };
  const all = { ...retries, payload: {}, event_emit_key: "k", concurrency_key: "one", resource_class: "large" };
  expect(await named([{ step_ref: "a", job_id: job.id, ...all }])).toBeNull();
  expect(
    await named([gate("a", { retry_max_attempts: 0, retry_backoff: "exponential", output_transform: "" })]),
  ).toBeNull();
  expect(await named([{ step_ref: "a", job_id: job.id }, gate("b", all)])).toBe(
    "steps[1].payload, steps[1].retry_max_attempts, steps[1].retry_backoff, steps[1].output_transform, steps[1].event_emit_key",
  );
  const nap = { step_type: "sleep", sleep_duration_secs: 1, approval_timeout_secs: 5, max_nesting_depth: 2 };
  expect(await named([{ step_ref: "nap", ...nap }])).toBe("steps[0].approval_timeout_secs, steps[0].max_nesting_depth");
  expect(await named([{ step_ref: "nap", step_type: "sleep", sleep_duration_secs: 1, approvers: ["ada"] }])).toBe(
    "steps[0].approvers",
  );
  expect(await named([gate("a", { on_skip: "skip_dependents" })])).toBe("steps[0].on_skip");
  const never = { type: "eq", left: 1, right: 2 };
  for (const over of [{ on_skip: "run" }, { on_skip: "skip_dependents", condition: never }])
    expect(await named([gate("a", over)])).toBeNull();
  const many = (await named(Array.from({ length: 500 }, (_, i) => gate(`g${i}`, { output_transform: "a" })))) ?? "";
  expect(many.split(", ")).toHaveLength(21);
  expect(many).toMatch(/^steps\[0\]\.output_transform, .*steps\[19\]\.output_transform, and 480 more$/);
});

test("a verb without a body takes an empty one, and no field that it would not look at", async () => {
  const run = await runOf(stack, [gate("gate")]);
  await opens(stack, run, "gate");
  for (const [method, path] of [
    ["POST", "/pause"],
    ["POST", "/resume"],
    ["DELETE", ""],
  ] as const) {
    const ask = (body?: unknown) => stack.request(method, `/v1/workflow-runs/${run.id}${path}`, body);
    const { details } = refused(await ask({ why: "x" }), 400, "validation_error", "invalid request body");
    expect(details).toEqual(["why: unknown field"]);
    expect((await ask(path === "/resume" ? {} : undefined)).status).toBe(200);
  }
});

test("a job's ignored fields are stored nowhere", async () => {
  const { id } = await createJob(stack, "/x", { webhook_secret: "a secret", environment_id: "e", timezone: "UTC" });
  const { rows } = await stack.deps.db.query("select row_to_json(job)::text as text from jobs job where id = $1", [id]);
  expect(rows[0].text).not.toMatch(/secret|"environment_id":"|"timezone":"/);
});
