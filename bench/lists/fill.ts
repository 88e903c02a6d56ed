import pg from "pg";

/** What is asked for by name; project 0 has a tenth of all runs, the others the rest, the first of them most. */
export const PROJECTS = 200;
export const projectId = (p: number) => `project-${p}`;
export const WORKFLOWS_A_PROJECT = 5;
/** Of project 0: three runs have the status, one run the key, one the value, and so on. */
export const RARE = {
  status: "pending",
  key: "incident",
  value: "the only one",
  creator: "grace",
  trigger: "by hand",
  error: "quota of the warehouse",
} as const;

/** Fills the mirror with `runs` closed and open runs of the last 90 days, and three steps for every fifth. */
export async function fill(databaseUrl: string, runs: number): Promise<void> {
  const client = new pg.Client(databaseUrl);
  await client.connect();
  try {
    await client.query(
      "set session_replication_role = replica; set maintenance_work_mem = '1GB'; set work_mem = '256MB'",
    );
    const { rows: indexes } = await client.query<{ name: string; definition: string }>(WITHOUT_CONSTRAINT);
    for (const { name } of indexes) await client.query(`drop index ${name}`);
    await client.query("select setseed(0.5)");
    await client.query(WORKFLOWS);
    await client.query(RUNS, [runs]);
    await client.query(VERSIONS);
    await client.query(MARK_RARE);
    await client.query(RUN_TAGS);
    await client.query(RUN_LABELS);
    await client.query(STEPS);
    await client.query(WAITS);
    for (const { definition } of indexes) await client.query(definition);
    for (const table of TABLES) await client.query(`vacuum (analyze, freeze) ${table}`);
  } finally {
    await client.end();
  }
}

const TABLES = [
  "workflows",
  "workflow_versions",
  "workflow_runs",
  "run_tags",
  "run_labels",
  "step_runs",
  "event_triggers",
];

const WITHOUT_CONSTRAINT = `
  select indexname as name, indexdef as definition from pg_indexes
  where schemaname = 'public' and tablename in (${TABLES.map((table) => `'${table}'`)})
    and not exists (select from pg_constraint where conname = indexname)`;

/** A UUIDv7 in its form. */
const WORKFLOW_ID = "overlay(overlay(md5('workflow ' || p || ' ' || w) placing '7' from 13) placing '8' from 17)::uuid";

const WORKFLOWS = `
  insert into workflows (
    id, project_id, name, slug, enabled, timeout_secs, max_concurrent_runs, max_parallel_steps, skip_if_running,
    version, version_id, version_policy, created_at, updated_at)
  select ${WORKFLOW_ID}, 'project-' || p, 'Order ' || w, 'order-' || w, true, 0, 0, 0, false,
    1, 'ver_' || substr(md5(p || ' ' || w), 1, 12), 'latest', now(), now()
  from generate_series(0, ${PROJECTS - 1}) p, generate_series(0, ${WORKFLOWS_A_PROJECT - 1}) w`;

// A run has three steps.
const VERSIONS = `
  insert into workflow_versions (
    version_id, workflow_id, version, project_id, name, slug, enabled, timeout_secs, max_concurrent_runs, max_parallel_steps,
    skip_if_running, created_at, steps)
  select version_id, id, version, project_id, name, slug, enabled, timeout_secs, max_concurrent_runs, max_parallel_steps,
    skip_if_running, created_at, (
      select json_agg(json_build_object('id', md5('step ' || idx)::uuid, 'step_ref', ref, 'step_type', 'job', 'depends_on',
        case when before is null then '[]' else json_build_array(before) end))
      from (values (0, 'check', null), (1, 'charge', 'check'), (2, 'ship', 'charge')) step(idx, ref, before))
  from workflows`;

// The id of a run is a UUIDv7 of its own millisecond, as the product makes them.
const RUNS = `
  insert into workflow_runs (
    id, workflow_id, workflow_name, project_id, workflow_version, workflow_version_id, status, triggered_by, created_by,
    payload, tags, error, created_at, started_at, finished_at, retried_by_run_id, depth, revision)
  select
    (substr(hex, 1, 8) || '-' || substr(hex, 9, 4) || '-7' || substr(hash, 1, 3) || '-8' || substr(hash, 4, 3) || '-'
      || substr(hash, 7, 12))::uuid,
    ${WORKFLOW_ID}, 'Order ' || w, 'project-' || p, 1, 'ver_' || substr(md5(p || ' ' || w), 1, 12),
    status, (array['manual', 'manual', 'manual', 'manual', 'manual', 'manual', 'manual', 'workflow', 'workflow', 'retry'])[1 + get_byte(bytes, 0) % 10],
    case get_byte(bytes, 1) % 10 when 0 then 'user-' || get_byte(bytes, 2) when 1 then 'ci' when 2 then 'ci' else 'ada' end,
    json_build_object('order', i, 'customer', 'c-' || i % 50000, 'items', json_build_array(i % 7, i % 11, i % 13),
      'note', 'deliver to the back door, ring twice, and leave the parcel with ' || substr(hash, 1, 8)),
    case when i % 5 < 3 then jsonb_build_object('team', 'team-' || i % 20, 'env', (array['prod', 'staging', 'dev'])[1 + i % 3])
      else '{}' end,
    case
      when status = 'failed' and get_byte(bytes, 3) % 10 < 3 then 'step ship failed: timeout after 30 s'
      when status = 'failed' and get_byte(bytes, 3) % 10 < 5 then 'step check failed: order ' || i || ' was refused by ' || substr(hash, 1, 8)
      when status = 'failed' then 'step charge failed: 500 Internal Server Error'
      when status = 'timed_out' then 'workflow timed out'
      when status = 'canceled' then 'canceled by user'
    end,
    at, at + interval '20 ms',
    case when status not in ('running', 'paused') then at + interval '20 ms' + i % 5000 * interval '1 ms' end,
    case when status = 'failed' and get_byte(bytes, 4) % 10 < 7 then gen_random_uuid() end, 0, 7
  from (
    select i, md5('run ' || i) as hash, decode(md5('of ' || i), 'hex') as bytes, w, p, at, lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0') as hex,
      case when r < 0.88 then 'completed' when r < 0.94 then 'failed' when r < 0.97 then 'canceled'
        when r < 0.98 then 'timed_out' when r < 0.995 then 'running' else 'paused' end as status
    from (
      select i, random() as r, floor(${WORKFLOWS_A_PROJECT} * random() * random())::int as w,
        case when i % 10 = 0 then 0 else 1 + floor(${PROJECTS - 1} * random() * random())::int end as p,
        date_trunc('milliseconds', now() - i * (interval '90 days' / $1::int)) as at
      from generate_series(1, $1::int) i
      offset 0) drawn
    offset 0) made
  order by at`;

const MARK_RARE = `
  with chosen as (
    select id, row_number() over (order by id) as n from workflow_runs
    where project_id = 'project-0' and status = 'completed' order by id limit 8)
  update workflow_runs run set
    status = case when n <= 3 then '${RARE.status}' when n = 8 then 'failed' else status end,
    created_by = case n when 6 then '${RARE.creator}' else created_by end,
    triggered_by = case n when 7 then '${RARE.trigger}' else triggered_by end,
    error = case n when 8 then 'step ship failed: ${RARE.error} is used up' end,
    tags = case n when 4 then '{"${RARE.key}": "yes"}' when 5 then '{"team": "${RARE.value}"}' else tags end
  from chosen where chosen.id = run.id`;

// As the trigger does, which a million times one by one would take minutes.
const RUN_TAGS = `
  insert into run_tags (project_id, key, value, created_at, run_id)
  select project_id, tag.key, tag.value, created_at, id from workflow_runs, jsonb_each_text(tags) tag
  order by 1, 2, 4, 5`;

// A third of the runs have labels.
const RUN_LABELS = `
  insert into run_labels (project_id, key, value, created_at, run_id)
  select project_id, 'region', (array['eu', 'us', 'asia'])[1 + get_byte(uuid_send(id), 12) % 3], created_at, id
  from workflow_runs where get_byte(uuid_send(id), 13) % 3 = 0
  union all
  select project_id, '${RARE.key}', 'yes', created_at, id from workflow_runs where created_by = '${RARE.creator}'
  order by 1, 2, 4, 5`;

const STEPS = `
  insert into step_runs (
    id, run_id, idx, workflow_step_id, step_ref, status, attempt, generation, deps_completed, deps_required, job_run_id,
    output, created_at, started_at, finished_at, revision)
  select gen_random_uuid(), run.id, idx, md5('step ' || idx)::uuid, (array['check', 'charge', 'ship'])[idx + 1], 'completed',
    1, 0, idx, idx, gen_random_uuid(), json_build_object('ok', true, 'receipt', md5(run.id::text)), run.created_at,
    run.started_at, run.finished_at, 5
  from workflow_runs run, generate_series(0, 2) idx
  where run.status = 'completed' and get_byte(uuid_send(run.id), 15) % 5 = 0`;

// A run that is not over waits; one in twenty of the others has waited.
const WAITS = `
  insert into event_triggers (
    id, project_id, event_key, run_id, step_run_id, step_ref, source, status, timeout_secs, requested_at, revision)
  select 'evt:' || id, project_id, 'key of ' || id, id, gen_random_uuid(), 'review',
    case get_byte(uuid_send(id), 14) % 2 when 0 then 'approval' else 'wait_for_event' end,
    case when status in ('running', 'paused') then 'waiting' else 'received' end, 0, created_at + interval '1 s', 3
  from workflow_runs
  where status in ('running', 'paused') or get_byte(uuid_send(id), 15) % 20 = 0`;
