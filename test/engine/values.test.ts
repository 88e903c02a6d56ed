import { describe, expect, it } from "vitest";
import { given, type Story, text } from "./given.ts";
import { job, sleep, wait } from "./plans.ts";
import { parseJson } from "../../src/contract/json.ts";
import { renderedPayload } from "../../src/rules/rendering.ts";
import { sourcesOf } from "../../workflows/attempt-input.ts";
import { wantedFor } from "../../workflows/engine/references/values.ts";

const LARGE = { ref: "0195-large" };
const exists = { condition: { type: "exists", operand: { ref: "payload.s" } } };
const over100 = (ref: string) => ({ condition: { type: "gt", left: { ref }, right: 100 } });

/** What the documents of a test hold, found as a step wants it. */
const finds = (run: Story, ref: string, value: unknown): Story => {
  const wanted = wantedFor(run.run, run.index(ref));
  const found = Object.fromEntries(wanted.map(({ key }) => [key, { text: JSON.stringify(value) }]));
  return run.news(ref, { type: "values_found", found });
};

describe("a condition on a value", () => {
  it("that is carried is decided about at once", () => {
    const steps = [
      job("a"),
      job("b", ["a"]),
      job("c", ["b"], over100("outputs.a.n")),
      job("d", [], over100("payload.n")),
    ];
    const run = given(steps, { payload: text({ n: 99 }) });
    expect(run.statuses).toEqual({ a: "running", b: "waiting", c: "waiting", d: "skipped" });
    run.completes("a", text({ n: 101 })).completes("b");
    expect(run.statuses.c).toBe("running");
  });

  it("that its document names twice is the last one, as everywhere else, whatever numbers stand beside it", () => {
    const answer = { text: '{"id":1234567890123456,"n":1,"n":101,"more":{"a":1},"more":{"a":2}}' };
    const run = given([job("a"), job("c", ["a"], over100("outputs.a.n"))]).completes("a", answer);
    expect(run.statuses.c).toBe("running");
  });

  it("of a large document is looked up first, once", () => {
    const run = given([job("a"), job("c", ["a"], over100("outputs.a.list[0].n"))]);
    expect(run.work("c")).toEqual([]);
    run.completes("a", LARGE);
    expect(run.statuses).toEqual({ a: "completed", c: "waiting" });
    expect(run.work("c")).toEqual(["look-up"]);
    expect(wantedFor(run.run, 1)).toMatchObject([{ document: LARGE.ref, path: ["list", "0", "n"] }]);
    finds(run, "c", 101);
    expect(run.statuses.c).toBe("running");
    expect(run.work("c")).toEqual(["dispatch"]);
    expect(run.state("c").found).toBeUndefined();
  });

  it("is skipped, or failed, by what was found", () => {
    const begin = () => given([job("c", [], over100("payload.n"))], { payload: LARGE });
    expect(finds(begin(), "c", 100).statuses.c).toBe("skipped");
    const [wanted] = wantedFor(begin().run, 0);
    const found = (one: object) =>
      begin().news("c", { type: "values_found", found: { [wanted?.key ?? ""]: one as { size: number } } });
    expect(found({ nothing: true }).state("c").error).toBe("condition of step c: payload.n has no value");
    expect(found({ size: 5000 }).state("c").error).toBe(
      "condition of step c: payload.n is too long to be compared: 5000 characters, where 4096 may be",
    );
  });

  it("that a plan carries, and a run would have looked up, is as large as it would be found to be", () => {
    const asks = (ref: string) => ({ condition: { type: "ne", left: { ref }, right: 1 } });
    const steps = [job("long", [], asks("payload.s")), job("short", [], asks("payload.n")), job("there", [], exists)];
    const run = given(
      steps.map((step) => ({ ...step, on_failure: "continue" as const })),
      { payload: text({ s: "x".repeat(4_095), n: 2 }) },
    );
    expect(run.state("long").error).toMatch(/payload.s is too long to be compared: 4097 characters, where 4096 may be/);
    expect([run.statuses.short, run.statuses.there]).toEqual(["running", "running"]);
  });

  it("holds up nobody else, and takes no place, while it is looked up", () => {
    const steps = [job("a", [], over100("payload.n")), job("b"), job("c")];
    const run = given(steps, { payload: LARGE, max_parallel_steps: 1 });
    expect(run.statuses).toEqual({ a: "pending", b: "running", c: "pending" });
    finds(run, "a", 101);
    expect(run.statuses).toEqual({ a: "pending", b: "running", c: "pending" });
    expect(run.completes("b").statuses).toEqual({ a: "running", b: "completed", c: "pending" });
  });

  it("is not waited for by a step that ends meanwhile, or is reset", () => {
    const steps = [job("a", [], { ...over100("payload.n"), on_failure: "continue" }), job("b", ["a"])];
    const run = given(steps, { payload: LARGE }).does("skip", "a");
    expect(run.work("a")).toEqual([]);
    expect(run.statuses.b).toBe("running");
    finds(run, "a", 101);
    expect(run.statuses.a).toBe("skipped");
    run.does("retry", "a");
    expect(run.work("a")).toEqual(["look-up"]);
  });

  it("is asked for anew in another document", () => {
    const run = given([job("a", [], { ...over100("payload.n"), on_failure: "continue" }), job("b")], {
      payload: LARGE,
    });
    finds(run, "a", 1);
    expect(run.statuses.a).toBe("skipped");
    run.does("retry", "a", { payload: { ref: "0195-other" } });
    expect(wantedFor(run.run, 0)).toMatchObject([{ document: "0195-other" }]);
    expect(finds(run, "a", 101).statuses.a).toBe("running");
  });

  it("may be a member of the run itself", () => {
    const is = (ref: string, right: unknown) => ({ condition: { type: "eq", left: { ref }, right } as never });
    const run = given([job("a", [], is("run.attempt", 1)), job("b", [], is("run.created_by", "ada"))], {
      created_by: "ada",
    });
    expect(run.statuses).toEqual({ a: "running", b: "running" });
  });

  it("of a step that the run does not have is none", () => {
    const run = given([job("a", [], { condition: { type: "exists", operand: { ref: "outputs.gone.x" } } })]);
    expect(run.statuses.a).toBe("skipped");
  });
});

describe("on_skip", () => {
  it("says whether dependents of a step with a false condition go on", () => {
    const never = { type: "any_of", conditions: [] };
    const steps = (on_skip?: "run" | "skip_dependents") => [
      job("a", [], { condition: never, on_skip }),
      job("b", ["a"]),
      job("c", ["b"]),
      job("d"),
    ];
    for (const on_skip of [undefined, "run"] as const)
      expect(given(steps(on_skip)).statuses).toEqual({ a: "skipped", b: "running", c: "waiting", d: "running" });
    const run = given(steps("skip_dependents"));
    expect(run.statuses).toEqual({ a: "skipped", b: "skipped", c: "skipped", d: "running" });
    expect(run.completes("d").row).toMatchObject({ status: "completed", error: undefined });
  });

  it("means nothing for a step that someone skips", () => {
    const run = given([wait("a", [], { on_skip: "skip_dependents" }), job("b", ["a"])]).does("skip", "a");
    expect(run.statuses).toEqual({ a: "skipped", b: "running" });
  });
});

describe("an event_emit_key that can't be rendered", () => {
  const emitting = { event_emit_key: "done:{{outputs.a.id}}", on_failure: "continue" as const };

  it.each(["job", "sleep", "wait"] as const)("fails a %s before it begins", (type) => {
    const make = { job, sleep, wait }[type];
    const run = given([job("a"), make("b", ["a"], emitting)]).completes("a", text({ other: 1 }));
    expect(run.state("b")).toMatchObject({ status: "failed", error: "outputs.a.id has no value" });
    expect(run.state("b").started_at).toBeUndefined();
    expect(
      given([job("a"), make("b", ["a"], emitting)])
        .completes("a", text({ id: 1 }))
        .state("b").started_at,
    ).toBeDefined();
  });

  it("is no matter to a run from before, or where the value may be missing", () => {
    expect(given([job("a"), job("b", ["a"], emitting)], { rules: 0 }).completes("a").statuses.b).toBe("running");
    const optional = { event_emit_key: "done:{{outputs.a.id?}}" };
    expect(given([job("a"), job("b", ["a"], optional)]).completes("a").statuses.b).toBe("running");
  });
});

describe("what a payload is made of", () => {
  const payload = text({ far: "{{outputs.a.x}}", near: "{{parent_outputs.b.x}}", skipped: "{{outputs.s?}}" });
  const steps = [
    job("a"),
    job("s", [], { condition: { type: "any_of", conditions: [] } }),
    job("b", ["a", "s"]),
    job("c", ["b"], { payload }),
  ];

  it("are the outputs that it names, besides those of direct dependencies", () => {
    const run = given(steps)
      .completes("a", text({ x: 1 }))
      .completes("b", text({ x: 2 }));
    const { parents, named } = sourcesOf(run.run, 3);
    expect(parents).toEqual([["b", text({ x: 2 })]]);
    expect(named).toEqual({
      outputs: [["a", text({ x: 1 })], ["s"]],
      run: { id: run.plan.run.id, workflow_id: run.plan.run.workflow_id, created_by: undefined, attempt: 1 },
    });
  });

  it("are those alone for a run from before, whose templates are rendered as they were", () => {
    const run = given(steps, { rules: 0 })
      .completes("a", text({ x: 1 }))
      .completes("b", text({ x: 2 }));
    expect(sourcesOf(run.run, 3).named).toBeUndefined();
  });

  it("of a large one are told with it", () => {
    const large = { ref: "0195", reads: ["a"] };
    const run = given([job("a"), job("b", ["a"]), job("c", ["b"], { payload: large })])
      .completes("a", text(1))
      .completes("b");
    expect(sourcesOf(run.run, 2).named?.outputs).toEqual([["a", text(1)]]);
  });
});

describe("a step that is left out of the run keeps its name", () => {
  const size = "outputs.build.js.size";
  const steps = () => [
    job("build"),
    job("far", ["build"], { payload: text({ size: `{{${size}?}}` }) }),
    job("large", ["build"], { payload: { ref: "0195", reads: ["build.js"] } }),
    job("asks", ["build"], { condition: { type: "exists", operand: { ref: size } } }),
  ];
  const step_overrides = [{ step_ref: "build.js", enabled: false }];
  const run = (header: object = {}) =>
    given(steps(), { step_overrides, ...header }).completes("build", text({ js: { size: 7 } }));
  const rendered = (of: Story, i: number) =>
    renderedPayload(sourcesOf(of.run, i), (doc) => ("text" in doc ? parseJson(doc.text) : { size: `{{${size}?}}` }));

  it("for payloads, however large, and conditions", () => {
    for (const i of [1, 2]) expect(rendered(run(), i)).toMatch(/^\{"size":null,/);
    expect(run().statuses.asks).toBe("skipped");
  });

  it("and where no step has it, the path is another's", () => {
    const plain = run({ step_overrides: [] });
    expect(rendered(plain, 1)).toMatch(/^\{"size":7,/);
    expect(plain.statuses.asks).toBe("running");
  });

  it("but for runs that began by older rules, which decide as they did", () => {
    expect(run({ rules: 4 }).statuses.asks).toBe("running");
  });
});
