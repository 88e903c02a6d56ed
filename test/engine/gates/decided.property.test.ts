import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "vitest";
import { given, type Story } from "../given.ts";
import { approval, job, type Step } from "../plans.ts";
import { carriedState, restoredRun } from "../../../workflows/engine/run.ts";
import type { CommandPayload, Verb } from "../../../workflows/engine/command.ts";
import { mirroredState } from "../../../workflows/engine/mirror/stored-run.ts";
import type { ApprovalRow } from "../../../workflows/engine/mirror/rows.ts";
import { ownRows, runRow, stepRow } from "../../../workflows/engine/mirror/view.ts";
import { rfc3339 } from "../../../workflows/engine/time.ts";

const PEOPLE = ["ada", "bob", "cleo", "dan", "eve", "starter"];
const NAMES = [...PEOPLE, "group:finance", "group:board"];
const someOf = (names: string[], most: number) =>
  fc.uniqueArray(fc.constantFrom(...names), { minLength: 1, maxLength: most });
const pick = <T>(...of: T[]) => fc.constantFrom(...of);

const gate: fc.Arbitrary<Partial<Step>> = fc.record({
  approval_approvers: someOf(NAMES, 5),
  approvals_required: fc.integer({ min: 1, max: 3 }),
  approval_reject: pick<Step["approval_reject"]>("first", "majority"),
  approval_exclude: pick<Step["approval_exclude"]>([], ["created_by"], ["previous_approvers", "created_by"]),
  approval_timeout_secs: pick(0, 100),
  approval_on_timeout: pick<Step["approval_on_timeout"]>("fail", "approve", "reject", "skip", "escalate"),
  approval_remind_every_secs: pick(undefined, 60),
  approval_escalation: pick<Step["approval_escalation"]>(
    undefined,
    [{ after_secs: 40, approvers: ["dan", "starter"] }],
    [
      { after_secs: 10, approvers: ["group:board"] },
      { after_secs: 150, approvers: ["eve"] },
    ],
  ),
});

const VERBS = [
  ...["approve", "approve", "approve", "reject", "withdraw", "comment", "reassign", "reassign", "extend"],
  ...["retry", "replay-subtree", "pause", "resume", "skip"],
] as Verb[];
type Move = {
  do: Verb | "later" | "carry" | "reopen" | "cancel";
  who: string;
  groups: string[];
  root: boolean;
  to: string[];
  n: number;
};
const moves = fc.array(
  fc.record({
    do: fc.oneof(
      { arbitrary: pick<Move["do"]>(...VERBS), weight: 8 },
      { arbitrary: pick<Move["do"]>("later", "later", "carry", "reopen", "cancel"), weight: 2 },
    ),
    who: pick(...PEOPLE),
    groups: pick<string[]>([], [], ["finance"], ["board", "finance"]),
    root: fc.boolean(),
    to: someOf(NAMES, 4),
    n: fc.nat(),
  }),
  { minLength: 5, maxLength: 60, size: "max" },
) as fc.Arbitrary<Move[]>;

const plain = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

/** The run goes on in a new execution; of one that is over, from what is mirrored. */
function restore(run: Story, isReopened: boolean): void {
  const all = run.plan.steps.map((_, i) => i);
  const approvals = all.flatMap((i) => ownRows(run.run, i).approval ?? []);
  const rows = all.map((i) => stepRow(run.run, i));
  const { commands } = run.run.state;
  const state = isReopened
    ? mirroredState(run.plan, plain(runRow(run.run)), plain(rows), commands, plain(approvals))
    : carriedState(run.run.state);
  run.run = restoredRun(run.plan, plain(state));
}

function happen(run: Story, { do: what, who, groups, root, to, n }: Move): string | undefined {
  const ref = n % 3 ? "gate" : "other";
  const { expires_at = run.now } = run.approval(ref) ?? {};
  const until = rfc3339(expires_at + ((n % 7) - 1) * 30_000);
  const said: CommandPayload & { actor: string } = { actor: who, groups, may_override: root, comment: "hm" };
  if (what === "later") run.later(n % 80);
  else if (what === "carry") restore(run, false);
  else if (what === "cancel") n % 5 || run.happens({ type: "cancel_requested" });
  else if (what === "reopen") run.row.finished_at && restore(run, true);
  else return run.command(what, ref, { ...said, approvers: to, until }).status === "applied" ? ref : undefined;
  return undefined;
}

const nameIn = (approvers: string[], { who, groups }: Pick<Move, "who" | "groups">) =>
  approvers.includes(who) || groups.some((group) => approvers.includes(`group:${group}`));

test("whatever happens in whatever order, a gate is decided once, by as many as it needs, each of whom may", () => {
  const anyGates = fc.property(gate, gate, moves, (one, two, all) => {
    const run = given([approval("gate", [], one), approval("other", [], two), job("after", ["gate"])], {
      created_by: "starter",
    });
    for (const move of all) {
      const before = new Map<string, { life: number } & Partial<ApprovalRow>>(
        ["gate", "other"].map((ref) => [ref, { life: run.state(ref).generation, ...plain(run.approval(ref) ?? {}) }]),
      );
      const { started_at: began, generation: afters } = run.state("after");
      const voted = happen(run, move);
      for (const ref of ["gate", "other"]) {
        const [was, is] = [before.get(ref), run.approval(ref)];
        const definition = run.plan.steps[run.index(ref)];
        const { approvals_required: k = 1, approval_exclude: exclude = [] } = definition ?? {};
        const yes = (is?.votes ?? []).filter(({ decision }) => decision === "approve");
        // One voice a person, and never more than it takes.
        assert.equal(new Set(is?.votes?.map(({ actor }) => actor)).size, is?.votes?.length ?? 0);
        assert(yes.length <= k);
        if (is?.status === "approved") assert.equal(yes.length, k);
        if (is?.status === "pending") assert(yes.length < k);
        for (const { actor, as = actor } of yes) assert([actor, as].some((name) => is?.approvers?.includes(name)));
        if (exclude.includes("created_by")) assert(!is?.votes?.some(({ actor }) => actor === "starter"));
        // Decided once, for as long as it is this attempt.
        const isSame = was?.approvers !== undefined && was.life === run.state(ref).generation;
        if (isSame && was.status !== "pending")
          assert.deepEqual(plain({ ...is, life: was.life, revision: 0 }), { ...was, revision: 0 });
        const isDecided = isSame && was.status === "pending" && is?.status !== "pending";
        const isVote = isDecided && voted === ref && ["approve", "reject"].includes(move.do);
        if (!isVote) {
          // Neither time, nor who comes and goes, makes a vote; time ends it only when it is over.
          if (isDecided) assert(!["approved", "rejected"].includes(is?.status ?? ""));
          if (isDecided && is?.status === "timed_out") assert(run.now >= (was.expires_at ?? Number.POSITIVE_INFINITY));
          continue;
        }
        assert(!was.votes?.some(({ actor }) => actor === move.who));
        assert(nameIn(was.approvers ?? [], move));
        const others = before.get(ref === "gate" ? "other" : "gate");
        const approvedAnother = others?.votes?.some((v) => v.actor === move.who && v.decision === "approve");
        if (exclude.includes("previous_approvers")) assert(!approvedAnother);
      }
      const { started_at, generation } = run.state("after");
      const { status, cause } = run.state("gate");
      if (started_at !== undefined && (began === undefined || generation !== afters))
        assert(status === "completed" || (status === "skipped" && cause === "operator"));
    }
  });
  fc.assert(anyGates, { numRuns: 1500 });
});

test("fewer than a gate needs can't open it together with all their friends, though they are its approvers", () => {
  const friends = ["friend", "other friend", "third friend"];
  const conspirators = ["ada", "bob"];
  const anyMove = fc.array(
    fc.record({
      verb: pick<Verb>(
        "approve",
        "approve",
        "reassign",
        "reassign",
        "extend",
        "withdraw",
        "skip",
        "force-complete",
        "retry",
      ),
      who: pick(...conspirators, ...friends),
      to: fc.uniqueArray(pick(...conspirators, ...friends, "honest", "upright", "group:friends"), {
        minLength: 1,
        maxLength: 6,
      }),
      secs: fc.nat(40),
      soon: fc.integer({ min: -90_000, max: 90_000 }),
    }),
    { maxLength: 60, size: "max" },
  );
  const timing = pick<Partial<Step>>(
    {},
    { approval_timeout_secs: 100_000, approval_on_timeout: "approve" },
    { approval_timeout_secs: 100_000, approval_on_timeout: "skip" },
    { approval_escalation: [{ after_secs: 60, approvers: ["boss"] }] },
  );
  fc.assert(
    fc.property(timing, anyMove, fc.integer({ min: 1, max: 2 }), (times, all, few) => {
      const approvers = [...conspirators.slice(0, few), "honest", "upright", "third"];
      const run = given([
        approval("gate", [], { ...times, approval_approvers: approvers, approvals_required: few + 1 }),
        job("after", ["gate"]),
      ]);
      for (const { verb, who, to, secs, soon } of all) {
        const until = rfc3339((run.approval("gate")?.expires_at ?? run.now) + soon);
        const groups = ["friends"];
        run.command(verb, secs % 5 ? "gate" : "after", {
          actor: who,
          groups,
          may_override: false,
          approvers: to,
          until,
        });
        run.later(secs);
        assert.equal(run.state("after").started_at, undefined);
        assert.equal(run.approval("gate")?.status, "pending");
      }
    }),
    { numRuns: 1500 },
  );
});
