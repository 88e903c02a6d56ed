import { describe, expect, it } from "vitest";
import { given, type Story, text } from "../given.ts";
import { job } from "../plans.ts";
import { sourcesOf } from "../../../workflows/attempt-input.ts";

describe("edited payloads", () => {
  const [one, two, three] = [text(1), text(2), text(3)];
  const payloads = (run: Story, ref: string) => {
    const { trigger, step } = sourcesOf(run.run, run.index(ref));
    return [trigger, step];
  };
  const failed = () =>
    given([job("a"), job("b", ["a"], { payload: two }), job("c", ["b"])], { payload: one })
      .completes("a")
      .fails("b");

  it("are what the run, and single steps, are given from then on; other steps keep their own", () => {
    const run = failed();
    expect(payloads(run, "b")).toEqual([one, two]);
    run.does("retry", "b", { payload: three });
    expect(payloads(run, "b")).toEqual([three, two]);
    run.fails("b").does("replay-subtree", "b", { step_payloads: { c: three } });
    expect([payloads(run, "b"), payloads(run, "c")]).toEqual([
      [three, two],
      [three, three],
    ]);
    run.fails("b").does("retry", "b", { step_payloads: { b: one } });
    expect([payloads(run, "b"), payloads(run, "c")]).toEqual([
      [three, one],
      [three, three],
    ]);
    expect(run.row).toMatchObject({ payload: three, step_payloads: { b: one, c: three } });
    expect(run.row.step_payloads).not.toHaveProperty("a");
  });

  it("of a step that is unknown, or that does not run again, are refused by name and change nothing", () => {
    const run = failed();
    const before = run.run.state.steps.map(({ status }) => status);
    for (const [verb, ref, message] of [
      ["retry", "nope", 'step_payloads: unknown step_ref "nope"'],
      ["retry", "a", 'step_payloads: step "a" is completed and is not run again'],
      ["replay-subtree", "a", 'step_payloads: step "a" is completed and is not run again'],
    ] as const) {
      const outcome = run.command(verb, "b", { payload: three, step_payloads: { [ref]: one } });
      expect(outcome).toMatchObject({ status: "refused", code: "validation_error", message });
    }
    expect(run.run.state.steps.map(({ status }) => status)).toEqual(before);
    expect(payloads(run, "b")).toEqual([one, two]);
  });
});
