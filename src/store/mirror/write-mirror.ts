import {
  insertCommands,
  upsertApprovals,
  upsertEventTriggers,
  upsertJobRuns,
  upsertRuns,
  upsertSteps,
} from "./upserts.ts";
import { acceptedAmong } from "../accepted-commands.ts";
import { recordOf } from "../postgres/columns.ts";
import { tellOfRuns } from "../postgres/notifications.ts";
import { insertSpansFrom } from "../ended-spans.ts";
import type { Db } from "../postgres/pool.ts";
import { insertDecisionsFrom } from "../decisions/run-decisions.ts";
import { insertAttemptsFrom } from "../step-attempts.ts";
import { runSpans } from "../../tracing/run-spans.ts";
import type { CommandOutcome } from "../../../workflows/engine/command.ts";
import type { MirrorRows } from "../../../workflows/engine/mirror/rows.ts";

/**
 * Writes what changed in some runs, each of them named once, in one round trip. The newest revision of a row stays, so writes may be
 * repeated, come late, or race. Answers the outcomes of accepted commands that nobody has stored before.
 */
export async function writeMirror(db: Db, changes: MirrorRows[]): Promise<Settled[]> {
  // In one order, so that concurrent writers wait for each other and do not deadlock.
  const sorted = changes.toSorted((a, b) => (a.run.id < b.run.id ? -1 : 1));
  // In the order of the parameters below.
  const rows = [
    sorted.map(({ run }) => run),
    sorted.flatMap(({ steps }) => steps),
    sorted.flatMap(({ approvals }) => approvals),
    sorted.flatMap(({ triggers }) => triggers),
    sorted.flatMap(({ job_runs }) => job_runs),
    sorted.flatMap(({ attempts = [] }) => attempts),
    sorted.flatMap(({ run, commands, replies = {} }) =>
      commands.map((outcome) => ({ run_id: run.id, outcome, shown: replies[outcome.id] })),
    ),
    sorted.flatMap(({ run, decisions = [] }) => decisions.map((decision) => ({ run_id: run.id, ...decision }))),
  ];
  const spans = sorted.flatMap((each) => runSpans(each) ?? []);
  const statement =
    spans.length === 0
      ? { name: "write_mirror", text: WRITE_MIRROR, values: rows }
      : { name: "write_mirror_and_spans", text: WRITE_MIRROR_AND_SPANS, values: [...rows, spans] };
  const { rows: told } = await db.query<{ run_id: string; outcome: string | null }>({
    ...statement,
    values: statement.values.map(recordOf),
  });
  return told.flatMap(({ run_id, outcome }) => (outcome === null ? [] : { run_id, outcome: JSON.parse(outcome) }));
}

/** The outcome of a command whose caller was told that it is stored. */
export interface Settled {
  run_id: string;
  outcome: CommandOutcome;
}

// One parameter for each kind of row: Postgres would parse a common one once for each kind.
const RUNS = "$1::json";
const STEPS = "$2::json";
const APPROVALS = "$3::json";
const TRIGGERS = "$4::json";
const JOB_RUNS = "$5::json";
const ATTEMPTS = "$6::json";
const COMMANDS = "$7::json";
const DECISIONS = "$8::json";
const SPANS = "$9::json";

// For those who wait for the outcome of a command, or for the end of a canceled run.
const TELL = tellOfRuns(`
  select run_id from json_to_recordset(${COMMANDS}) as command(run_id uuid)
  union
  select id from json_to_recordset(${RUNS}) as run(id uuid, status text) where status = 'canceled'`);

const writing = (...more: string[]) => `
  with
    mirrored_run as (${upsertRuns(RUNS)}),
    mirrored_steps as (${upsertSteps(STEPS)}),
    mirrored_approvals as (${upsertApprovals(APPROVALS)}),
    mirrored_triggers as (${upsertEventTriggers(TRIGGERS)}),
    mirrored_job_runs as (${upsertJobRuns(JOB_RUNS)}),
    left_attempts as (${insertAttemptsFrom(ATTEMPTS)}),
    mirrored_commands as (${insertCommands(COMMANDS)}),
    noted_decisions as (${insertDecisionsFrom(DECISIONS)})${more.map((each) => `,\n    ${each}`).join("")}
  select null::uuid as run_id, null::json as outcome from (${TELL}) told
  union all ${acceptedAmong("mirrored_commands")}`;

const WRITE_MIRROR = writing();
/** Of runs that are in a trace. */
const WRITE_MIRROR_AND_SPANS = writing(`noted_spans as (${insertSpansFrom(SPANS)})`);
