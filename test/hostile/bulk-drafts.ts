export const draftBulkOperation = {
  project_id: "demo",
  operation: "retry",
  step_ref: "gate",
  reason: "text",
  max_per_second: 1000,
  version: "latest",
};

const TIME = "2026-03-02T10:00:00Z";

/** Every filter there is. */
export const draftFilter = (workflow_id: string | undefined) => ({
  workflow_id,
  status: "timed_out",
  triggered_by: "manual",
  created_by: "ada",
  tag_key: "team",
  tag_value: "a",
  label: "region=eu",
  created_after: TIME,
  created_before: TIME,
  finished_after: TIME,
  finished_before: TIME,
  error_contains: "timeout",
  waiting_longer_than_secs: 60,
  is_retried: false,
});
