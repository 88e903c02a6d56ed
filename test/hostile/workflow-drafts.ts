import { fresh } from "./job-drafts.ts";

/** What a draft may name: things that exist. */
export interface Made {
  ids: Record<string, string>;
  jobUrl: (path: string) => string;
}

export const draftWorkflow = ({ ids }: Made) => ({
  project_id: "demo",
  name: "name",
  slug: fresh(),
  description: "text",
  tags: { team: "a" },
  enabled: true,
  timeout_secs: 1,
  max_concurrent_runs: 1,
  max_parallel_steps: 1,
  cron: "",
  cron_timezone: "",
  timezone: "UTC",
  skip_if_running: false,
  version_policy: "pin",
  environment_id: "env",
  max_attempts: 1,
  retry_strategy: "fixed",
  webhook_url: "http://example.com",
  webhook_secret: "secret",
  steps: [
    {
      step_ref: "job",
      step_type: "job",
      job_id: ids.jobID,
      on_failure: "continue",
      on_skip: "run",
      payload: {},
      retry_max_attempts: 1,
      retry_backoff: "fixed",
      retry_initial_delay_secs: 1,
      retry_max_delay_secs: 1,
      timeout_secs_override: 1,
      output_transform: "a.b",
      event_emit_key: "emitted",
      concurrency_key: "one",
      resource_class: "small",
    },
    {
      step_ref: "gate",
      step_type: "approval",
      depends_on: ["job"],
      condition: { type: "step_status", step_ref: "job", status: "completed" },
      approval_approvers: ["ada"],
      approval_timeout_secs: 1,
      approvals_required: 1,
      approval_reject: "majority",
      approval_exclude: ["created_by"],
      approval_on_timeout: "reject",
      approval_remind_every_secs: 60,
      approval_escalation: [{ after_secs: 60, approvers: ["bob"] }],
      approval_title: "text",
      approval_text: "text",
      approval_payload: { a: [1, "b"] },
      approval_links: [{ title: "text", url: "http://example.com" }],
      approval_form: { type: "object" },
      approval_options: ["text"],
    },
    { step_ref: "other-gate", type: "approval", approvers: ["ada"], timeout_secs: 1 },
    {
      step_ref: "wait",
      step_type: "wait_for_event",
      event_key: "key",
      event_timeout_secs: 1,
      event_notify_url: "http://example.com",
    },
    { step_ref: "sleep", step_type: "sleep", sleep_duration_secs: 1 },
    { step_ref: "nap", step_type: "sleep", sleep_duration: "1s" },
    { step_ref: "sub", step_type: "sub_workflow", sub_workflow_id: ids.workflowID, max_nesting_depth: 1 },
    { step_ref: "named", step_type: "job", job: ids.jobSlug },
    { step_ref: "named-sub", step_type: "sub_workflow", workflow: ids.workflowSlug },
  ],
});
/** Of a workflow that is changed. */
export const draftChange = (made: Made) => {
  const { project_id, slug, ...draft } = draftWorkflow(made);
  return { ...draft, slug: fresh(), backwards_compatible: true };
};
export const draftPolicy = () => ({
  max_fan_out: 1,
  max_depth: 1,
  forbidden_step_types: ["sleep"],
  require_approval_for_deploy: true,
});
export const draftTrigger = () => ({
  project_id: "demo",
  payload: {},
  triggered_by: "test",
  labels: { label: "a" },
  tags: { team: "a" },
  step_overrides: [{ step_ref: "gate", enabled: true }],
  idempotency_key: fresh(),
  priority: 1,
  metadata: {},
});
