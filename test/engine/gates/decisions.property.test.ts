import fc from "fast-check";
import { expect, test } from "vitest";
import { given, type Story, text } from "../given.ts";
import { approval, job } from "../plans.ts";
import { hashParts, shownHash } from "../../../workflows/engine/gates/shown.ts";

const OPTIONS = ["ship", "hold", "roll back"];
const PEOPLE = ["ada", "bob", "cleo", "dan", "eve"];
/** What a gate may show, by a part of its hash. */
const TITLES = ["one", "another"];

const opens = (run: Story, title: string): Story =>
  run.news("gate", {
    type: "gate_opened",
    approvers: PEOPLE.slice(0, 4),
    shown: text({ title }),
    shown_hash: hashParts((field) => (field === "title" ? title : undefined)),
  });

const voting = fc.record({
  required: fc.integer({ min: 1, max: 4 }),
  moves: fc.array(
    fc.record({
      verb: fc.constantFrom("choose", "choose", "choose", "withdraw", "approve", "restart"),
      actor: fc.constantFrom(...PEOPLE),
      option: fc.constantFrom(...OPTIONS, "neither"),
    }),
    { maxLength: 40 },
  ),
});

test("an option wins with exactly as many votes as it needs, one of each approver; others do not count for it", () => {
  const property = fc.property(voting, ({ required, moves }) => {
    const gate = {
      approval_approvers: ["{{payload.people}}"],
      approval_options: OPTIONS,
      approvals_required: required,
    };
    const run = opens(given([approval("gate", [], gate), job("after", ["gate"])]), "one");
    const votes = new Map<string, string>();
    let chosen: string | undefined;
    for (const { verb, actor, option } of moves) {
      if (verb === "restart") {
        if (chosen) run.does("retry", "gate", { may_override: true });
        else continue;
        opens(run, "one");
        votes.clear();
        chosen = undefined;
        continue;
      }
      const { status } = run.command(verb as "choose", "gate", { actor, option });
      const isTaken =
        chosen === undefined &&
        (verb === "choose"
          ? actor !== "eve" && !votes.has(actor) && OPTIONS.includes(option)
          : verb === "withdraw" && votes.has(actor));
      expect(status).toBe(isTaken ? "applied" : "refused");
      if (!isTaken) continue;
      if (verb === "withdraw") votes.delete(actor);
      else votes.set(actor, option);
      const isWon = [...votes.values()].filter((one) => one === option).length === required;
      if (verb !== "choose" || !isWon) expect(run.approval("gate")).toMatchObject({ status: "pending" });
      else {
        chosen = option;
        expect(run.approval("gate")).toMatchObject({ status: "approved", option, approved_by: actor });
        expect(run.step("gate").output).toEqual({ text: JSON.stringify({ option, by: actor }) });
      }
      expect(run.approval("gate")?.votes?.map((vote) => [vote.actor, vote.option])).toEqual([...votes]);
    }
  });
  fc.assert(property, { seed: 3, numRuns: 300 });
});

const resets = fc.array(
  fc.record({
    verb: fc.constantFrom("approve", "reject", "reset" as const),
    actor: fc.constantFrom(...PEOPLE),
    attempt: fc.option(fc.integer({ min: 1, max: 4 }), { nil: undefined }),
    hash: fc.option(fc.record({ attempt: fc.integer({ min: 1, max: 4 }), title: fc.constantFrom(...TITLES) }), {
      nil: undefined,
    }),
  }),
  { maxLength: 40 },
);

test("no decision counts for another attempt than it says, nor for anything else than was shown", () => {
  const property = fc.property(resets, (moves) => {
    const gate = { approval_title: "{{payload.title}}", approvals_required: 3, approval_reject: "majority" as const };
    const run = opens(given([approval("gate", [], { ...gate, approval_approvers: PEOPLE })]), "one");
    let shown = "one";
    for (const { verb, actor, attempt, hash } of moves) {
      if (verb === "reset") {
        run.does("pause").does("replay-subtree", "gate", { may_override: true });
        run.command("resume");
        shown = TITLES.find((title) => title !== shown) as string;
        opens(run, shown);
        continue;
      }
      const hashed =
        hash &&
        shownHash(
          hash.attempt,
          hashParts((field) => (field === "title" ? hash.title : undefined)),
        );
      const before = run.approval("gate")?.votes ?? [];
      const outcome = run.command(verb, "gate", { actor, step_attempt: attempt, shown_hash: hashed });
      const now = run.state("gate").attempt;
      const isOther =
        [attempt ?? now, hash?.attempt ?? now].some((one) => one !== now) || (hash?.title ?? shown) !== shown;
      if (isOther) {
        expect(outcome).toMatchObject({ status: "refused", code: "conflict" });
        expect(run.approval("gate")?.votes ?? []).toEqual(before);
        const told = outcome.details?.join() ?? "";
        expect(told.includes("title: has changed")).toBe(hash !== undefined && hash.title !== shown);
        expect(told.includes(`step_attempt: ${now}`)).toBe((attempt ?? now) !== now || (hash?.attempt ?? now) !== now);
      } else if (outcome.status === "applied") expect(run.approval("gate")?.votes).toHaveLength(before.length + 1);
      if (run.step("gate").finished_at !== undefined) break;
    }
  });
  fc.assert(property, { seed: 5, numRuns: 300 });
});
