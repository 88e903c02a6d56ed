interface Urls {
  jobUrl: (path: string) => string;
}

let drafted = 0;
export const fresh = () => `fresh-${++drafted}`;

export const draftJob = ({ jobUrl }: Urls) => ({
  project_id: "demo",
  name: "name",
  slug: fresh(),
  description: "text",
  tags: { team: "a" },
  endpoint_url: jobUrl("/job"),
  fallback_endpoint_url: jobUrl("/fallback"),
  headers: { "X-Tenant": "a" },
  max_attempts: 1,
  timeout_secs: 1,
  payload_schema: {},
  result_schema: {},
  max_concurrency: 0,
  run_ttl_secs: 0,
  retry_strategy: "exponential",
  retry_delays_secs: [],
  cron: "",
  timezone: "UTC",
  environment_id: "env",
  version_policy: "pin",
  execution_mode: "http",
  group_id: "group",
  execution_window_cron: "* 9-17 * * *",
  rate_limit_max: 1,
  rate_limit_window_secs: 1,
  dedup_window_secs: 1,
  webhook_url: "http://example.com",
  webhook_secret: "secret",
});
export const draftJobUpdate = (made: Urls) => ({ ...draftJob(made), enabled: true, backwards_compatible: true });
export const draftJobTrigger = () => ({
  project_id: "demo",
  payload: {},
  tags: { team: "a" },
  idempotency_key: fresh(),
  priority: 1,
  metadata: {},
});
