import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { given, text } from "../given.ts";
import { approval, job, type Step } from "../plans.ts";
import { partHash } from "../../../workflows/engine/gates/part-hash.ts";
import type { RunHeader } from "../../../workflows/engine/plan.ts";

const FORM = { text: '{"type":"object","required":["amount"]}' };
const hashOf = (text: string) => createHash("sha256").update(text).digest("base64url").slice(0, 16);
const form_hash = hashOf(FORM.text);

/** A gate, as what it shows was rendered, before a job. */
function gated(more: Partial<Step>, header: Partial<RunHeader> = {}) {
  const run = given([approval("gate", [], more), job("after", ["gate"])], header);
  const shown_hash = `.....${more.approval_form ? form_hash : ""}.options`;
  return run.work("gate").includes("open-gate")
    ? run.news("gate", { type: "gate_opened", shown: text({}), shown_hash })
    : run;
}
const forces = (run: ReturnType<typeof gated>, result: unknown, more: object = {}) =>
  run.command("force-complete", "gate", { ...(result !== undefined && { result: text(result) }), ...more });

describe("a gate with options is completed by force", () => {
  const OPTIONS: Partial<Step> = { approval_options: ["ship", "hold"] };
  test.each<[string, unknown, string]>([
    ["nothing", undefined, "result.option must be one of ship, hold"],
    ["no option", { by: "ada" }, "result.option must be one of ship, hold"],
    ["another option", { option: "roll back", by: "ada" }, "result.option must be one of ship, hold"],
    ["a text", "ship", "result.option must be one of ship, hold"],
    ["nobody's choice", { option: "ship" }, "result.by must be who has chosen it"],
  ])("not with %s", (_, result, message) => {
    const run = gated(OPTIONS);
    const before = run.everything;
    expect(forces(run, result)).toMatchObject({ status: "refused", code: "validation_error", message });
    expect(forces(run, result, { actor: "root", may_override: true })).toMatchObject({ status: "refused", message });
    expect(JSON.parse(run.everything).steps).toEqual(JSON.parse(before).steps);
  });

  test("with one of them, which is its output", () => {
    const run = gated(OPTIONS);
    expect(forces(run, { option: "ship", by: "ada" })).toMatchObject({ status: "applied" });
    expect(run.step("gate")).toMatchObject({ status: "completed", output: text({ option: "ship", by: "ada" }) });
    expect(run.approval("gate")?.status).toBe("overridden");
  });

  test("and who has no right to it hears that first", () => {
    const refused = { status: "refused", code: "forbidden" };
    expect(forces(gated(OPTIONS), "ship", { actor: "eve", may_override: false })).toMatchObject(refused);
  });

  test("with whatever, where its run began by older rules", () => {
    expect(forces(gated(OPTIONS, { rules: 2 }), "ship")).toMatchObject({ status: "applied" });
  });
});

describe("a gate with a form is completed by force", () => {
  const FILLED: Partial<Step> = { approval_form: FORM };
  test("only with values that somebody has held to that form", () => {
    const run = gated(FILLED);
    expect(forces(run, { amount: 1 })).toMatchObject({ status: "refused", code: "invalid_state" });
    expect(forces(run, { amount: 1 }, { form_hash: "another" })).toMatchObject({ status: "refused", code: "conflict" });
    expect(forces(run, { amount: 1 }, { form_hash })).toMatchObject({ status: "applied" });
  });

  test("also before it has opened", () => {
    const run = given([job("first"), approval("gate", ["first"], FILLED)]);
    expect(forces(run, { amount: 1 }, { form_hash: "another" })).toMatchObject({ status: "refused", code: "conflict" });
    expect(forces(run, { amount: 1 }, { form_hash: partHash(FORM.text) })).toMatchObject({ status: "applied" });
  });

  test.each(["", "{}", FORM.text, "äöü€😀".repeat(1000)])("its hash is that of what gates show", (form) => {
    expect(partHash(form)).toBe(hashOf(form));
  });
});

test("any other gate is completed with whatever its approvers say", () => {
  expect(forces(gated({}), { any: "thing" })).toMatchObject({ status: "applied" });
});
