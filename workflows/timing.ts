/**
 * Times that have to keep an order among each other, in the workflow, in the worker's process and in the API. The table in
 * docs/quick-lane.md says what the order is for; test/unit/timing.test.ts holds both to it.
 */

// A play, and the workflow task that it holds.

/** A command waits so long for the calls that go on, which then need no activity of their own. */
export const INTERRUPTED_MS = 50;
/** For so long a run is played ahead in one piece, unless a command to it comes. */
export const AHEAD_MS = 200;
/** Signals and queries wait for the end of a workflow task: after so long nothing more is played in it. */
export const HELD_MS = 250;
/** An answer within this time is a quick one: with less, the calls of a worker that is busy itself would seem slow. */
export const QUICK_ANSWER_MS = 300;
/** A try of the task that was lost is asked for in Postgres for so long: without an answer, the run makes no call unasked. */
export const RECALLED_WITHIN_MS = 5_000;
/** Local activities end by themselves long before: one that Temporal has to give up was begun by a worker that hangs. */
export const LOCAL_ACTIVITY_MS = 30_000;
/** The outcome of a call is kept in its process: the task that got it may be made again, and ask for it again. */
export const OUTCOME_KEPT_MS = 30_000;

// A command that interrupts a play.

/** It comes long before. Without this, a run that has heard it already would wait for ever. */
export const COMMAND_COMES_MS = 500;
/** A worker knows of a command that waits for so long: within that the run hears it, if it can hear at all. */
export const COMMAND_KEPT_MS = 2_000;
/** A play is told which commands its run has heard within this time: those do not interrupt it. */
export const COMMAND_ACKNOWLEDGED_MS = 5_000;

// What the API waits for after a command.

/** A local activity leaves a write of the mirror that takes longer to an ordinary one. */
export const QUICK_WRITE_MS = 500;
/** Without news in the mirror, the run itself is asked: too early only makes more work for workers that are behind. */
export const OUTCOME_MIRRORED_MS = 2_000;
/** How long a worker may take to answer a query before the mirror is shown instead. */
export const QUERY_ANSWERED_MS = 3_000;
/** How long a run may take to answer what became of a command, before the caller hears that it is stored. */
export const OUTCOME_ANSWERED_MS = 6_000;

// A call that is awaited by an ordinary activity.

/** How often the process that makes the call says so. */
export const HEARTBEAT_MS = 1_000;
/** Without heartbeats for so long, the process may be gone. */
export const HEARTBEAT_TIMEOUT_MS = 5_000;
/** Of a process that did not run for so long, the heartbeats may have been missed, and the workflow task given to another. */
export const AWAY_MS = 3_000;
/** A process that does not take up its own call in time is gone. After an outage of the server, a worker is back within 12 s. */
export const TAKEN_UP_MS = 15_000;
/** How long the activity that goes on waiting for a call may take to come, before the run is asked whether it will. */
export const HANDED_OVER_MS = 3_000;
/** A worker that stops waits so long for the activities that are to take up the calls it has handed over. */
export const ORPHANS_AWAITED_MS = 5_000;
