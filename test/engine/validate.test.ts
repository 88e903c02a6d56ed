import { describe, expect, test } from "vitest";
import type { StepInput } from "../../src/contract/steps.ts";
import { stepsProblem } from "../../workflows/engine/definition/validate.ts";

type Fields = Partial<Record<keyof StepInput, unknown>>;
const defaults = { depends_on: [], on_failure: "fail_workflow", retry_backoff: "exponential", resource_class: "small" };
const job = (step_ref: string, over: Fields = {}) =>
  ({ ...defaults, step_ref, step_type: "job", job_id: "job-1", ...over }) as StepInput;
const without = (step_ref: string, step_type: string, over: Fields = {}) =>
  job(step_ref, { step_type, job_id: undefined, ...over });
const message = (...steps: StepInput[]) => stepsProblem(steps)?.message;

test("a good workflow has no problem", () => {
  const steps = [
    job("build"),
    job("Prüfung.1:a-b", { depends_on: ["build"], output_transform: "a.#.b", event_emit_key: "built:{{id}}" }),
    without("ok", "approval", { approval_approvers: ["ann"], approval_timeout_secs: 0, depends_on: ["build"] }),
    without("paid", "wait_for_event", { event_key: "payment:{{id}}", event_notify_url: "https://example.org/hook" }),
    without("nap", "sleep", { sleep_duration_secs: 1 }),
    without("child", "sub_workflow", { sub_workflow_id: "wf-2", depends_on: ["nap", "paid"] }),
    job("__proto__", {
      depends_on: ["child"],
      condition: { type: "step_status", step_ref: "nap", status: "completed" },
    }),
  ];
  expect(stepsProblem(steps)).toBeUndefined();
  expect(stepsProblem([])).toBeUndefined();
});

describe("in the words that clients know", () => {
  test.each<[string, StepInput[]]>([
    ["workflow cannot have more than 1000 steps", Array.from({ length: 1001 }, (_, i) => job(`s${i}`))],
    ["each step requires step_ref", [job("")]],
    ["duplicate step_ref: a", [job("a"), job("b"), job("a")]],
    ["job steps require job_id", [job("a", { job_id: "" })]],
    ["approval steps require approval_approvers", [without("a", "approval", { approval_approvers: [] })]],
    [
      "approval_timeout_secs must be >= 0",
      [without("a", "approval", { approval_approvers: ["x"], approval_timeout_secs: -1 })],
    ],
    ["sub_workflow steps require sub_workflow_id", [without("a", "sub_workflow")]],
    ["sub_workflow steps must not have job_id", [job("a", { step_type: "sub_workflow", sub_workflow_id: "w" })]],
    ["max_nesting_depth must be >= 0", [without("a", "sub_workflow", { sub_workflow_id: "w", max_nesting_depth: -1 })]],
    ["wait_for_event steps require event_key", [without("a", "wait_for_event")]],
    ["sleep steps require sleep_duration_secs > 0", [without("a", "sleep", { sleep_duration_secs: 0 })]],
    ["timeout_secs_override must be >= 0", [job("a", { timeout_secs_override: -1 })]],
    ["resource_class must be one of small, medium, large", [job("a", { resource_class: "huge" })]],
    ["step cannot depend on itself", [job("a", { depends_on: ["a"] })]],
    ['step "a" depends on unknown step "b"', [job("a", { depends_on: ["b"] })]],
    ['step "a" depends on unknown step "constructor"', [job("a", { depends_on: ["constructor"] })]],
    [
      "workflow has circular dependencies",
      [job("a", { depends_on: ["c"] }), job("b", { depends_on: ["a"] }), job("c", { depends_on: ["b"] })],
    ],
  ])("%s", (text, steps) => {
    expect(message(...steps)).toBe(text);
  });

  test("the details say which step and field", () => {
    expect(stepsProblem([job("a"), job("b", { job_id: undefined })])).toEqual({
      message: "job steps require job_id",
      details: ['steps[1].job_id of step "b": job steps require job_id'],
    });
    expect(stepsProblem([job("a", { depends_on: ["b"] }), job("b", { depends_on: ["a"] })])?.details).toEqual([
      'steps: in or behind a circle: "a", "b"',
    ]);
  });

  test("the details name the first fault of each of the first twenty steps that have one", () => {
    const magic = Array.from({ length: 30 }, (_, i) => job(`m${i}`, { step_type: "magic" }));
    const refers = job("r", { payload: { a: "{{outputs.nobody}}", b: "{{outputs.nobody}}" } });
    const { message: first, details = [] } = stepsProblem([refers, job("fine"), ...magic]) ?? {};
    expect(first).toMatch(/^step "r": payload\.a: /);
    expect(details).toHaveLength(20);
    expect(details[0]).toMatch(/^steps\[0\]\.payload\.a of step "r": /);
    expect(details[1]).toMatch(/^steps\[2\]\.step_type of step "m0": step_type must be one of /);
    const lacking = [job("a", { job_id: undefined }), job("b", { depends_on: ["nope"] })];
    expect(stepsProblem([...lacking, refers])).toEqual({
      message: "job steps require job_id",
      details: [
        'steps[0].job_id of step "a": job steps require job_id',
        'steps[1].depends_on of step "b": step "b" depends on unknown step "nope"',
      ],
    });
  });

  test("refs come before fields, fields before circles, both before what clients know no words for", () => {
    const circle = [
      job("a", { depends_on: ["b"] }),
      job("b", { depends_on: ["a"], step_type: "magic", job_id: undefined }),
    ];
    expect(message(...circle, job("c", { job_id: undefined }), job("a"))).toBe("duplicate step_ref: a");
    expect(message(...circle, job("c", { job_id: undefined }))).toBe("job steps require job_id");
    expect(message(...circle)).toBe("workflow has circular dependencies");
  });
});

describe("in words of our own:", () => {
  test.each<[string, Fields]>([
    ['step "a": step_type must be one of job, approval, wait_for_event, sleep, sub_workflow', { step_type: "magic" }],
    [
      'step "a": step_type must be one of job, approval, wait_for_event, sleep, sub_workflow',
      { step_type: "toString" },
    ],
    ['step "a": on_failure must be one of fail_workflow, skip_dependents, continue', { on_failure: "ignore" }],
    ['step "a": retry_backoff must be one of exponential, fixed', { retry_backoff: "linear" }],
    ['step "a": depends_on names "z" twice', { depends_on: ["z", "z"] }],
    ['step "a": approval_approvers must not be empty names', { approval_approvers: ["ann", ""] }],
    ['step "a": event_timeout_secs must be >= 0', { event_timeout_secs: -1 }],
    ['step "a": retry_max_attempts must be >= 0', { retry_max_attempts: -1 }],
    ['step "a": retry_initial_delay_secs must be >= 0', { retry_initial_delay_secs: -1 }],
    ['step "a": retry_max_delay_secs must be >= 0', { retry_max_delay_secs: -1 }],
    ['step "a": sleep_duration_secs must be >= 0', { sleep_duration_secs: -1 }],
    ['step "a": event_emit_key must be at most 512 bytes', { event_emit_key: "é".repeat(257) }],
    ['step "a": event_notify_url must be an http or https URL', { event_notify_url: "file:///etc/passwd" }],
    ['step "a": output_transform must be keys joined by dots', { output_transform: "a..b" }],
    [
      'step "a": condition references unknown step "q"',
      { condition: { type: "step_status", step_ref: "q", status: "failed" } },
    ],
    ['step "a": condition must be an object', { condition: null }],
    ['step "a" depends on an empty step_ref', { depends_on: [""] }],
    ["event_key must be at most 512 bytes", { event_key: "k".repeat(513) }],
    ["concurrency_key must be at most 128 characters", { concurrency_key: "k".repeat(129) }],
  ])("%s", (text, over) => {
    expect(message(job("z"), job("a", over))).toBe(text);
  });

  test.each(["a b", "-a", ".a", "a/b", "a\u0000", "a\nb", "{{a}}", "😀", "x".repeat(129), "x".repeat(100_000)])(
    "step_ref %j",
    (ref) => {
      const text = message(job(ref));
      expect(text).toMatch(/^step_ref "/);
      expect(text?.length).toBeLessThan(300);
    },
  );

  test("payloads that nest without end", () => {
    const deep = JSON.parse(`${"[".repeat(50_000)}${"]".repeat(50_000)}`);
    expect(message(job("a", { payload: deep }))).toBe('step "a": payload nests deeper than 64 levels');
  });
});

test("a thousand steps in one chain or one fan are a workflow", () => {
  const chain = Array.from({ length: 1000 }, (_, i) => job(`s${i}`, { depends_on: i === 0 ? [] : [`s${i - 1}`] }));
  const fan = Array.from({ length: 1000 }, (_, i) =>
    job(`s${i}`, { depends_on: chain.slice(0, i).map((s) => s.step_ref) }),
  );
  expect(stepsProblem(chain)).toBeUndefined();
  expect(stepsProblem(fan)).toBeUndefined();
});
