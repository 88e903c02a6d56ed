import { expect, test } from "vitest";
import { startDeployment } from "./approval-story/deployment.ts";
import { inSeconds, POINTS, STEPS } from "./approval-story/points.ts";
import { expectDone, expectPromised, Telling } from "./approval-story/telling.ts";
import type { Stack } from "../../stack/harness.ts";
import { until } from "../../stack/until.ts";

/** Who is killed, one after the other. */
const VICTIMS = ["api", "worker", "temporal", "postgres"] as const;

/**
 * The same story is told four times, each a point behind the one before. At each moment one of four is killed: so each of them
 * is at each point, be it just before what is asked for there, or when the first of it is answered and the rest is under way.
 */
test("all that can be done to a gate is done once, whoever is killed with -9 at whichever point of its story", async ({
  onTestFinished,
}) => {
  const deployment = await startDeployment(onTestFinished);
  const { stack, parts, on, request } = deployment;
  await request("POST", "/v1/webhooks", { events: EVENTS, url: stack.jobs.url("/told") });
  const workflow = await on.workflow(STEPS);
  const { rows } = await stack.deps.db.query<{ steps: string }>(
    "select steps from workflow_versions where workflow_id = $1",
    [workflow.id],
  );
  const steps = inSeconds(rows[0]?.steps ?? "");
  expect(steps).not.toBe(rows[0]?.steps);
  await stack.deps.db.query("update workflow_versions set steps = $2 where workflow_id = $1", [workflow.id, steps]);
  const tellings = VICTIMS.map((_, n) => new Telling(deployment, workflow, n));

  for (let moment = 0; moment < POINTS.length + tellings.length - 1; moment++) {
    const victim = VICTIMS[moment % VICTIMS.length] as (typeof VICTIMS)[number];
    const isBetween = Math.floor(moment / VICTIMS.length) % 2 === 0;
    const under = tellings.flatMap((told, n) => {
      const point = POINTS[moment - n];
      return point ? [{ told, point }] : [];
    });
    await Promise.all(under.map(({ told, point }) => point.first?.(told)));
    const letGo = stack.jobs.hold("/told");
    if (isBetween) await parts[victim].kill();
    const asked = under.map(({ told, point }) => point.asks(told));
    const answers = asked.flat().map(async (one) => expectPromised(one, await one.ask()));
    if (!isBetween) {
      if (answers.length > 0) await Promise.race(answers);
      await parts[victim].kill();
    }
    letGo();
    await Promise.all(under.map(({ told, point }) => point.outlasts?.(told)));
    if (victim === "worker" && under.some(({ point }) => point.isAnsweredByNobody)) await Promise.all(answers);
    await parts[victim].start();
    await Promise.all(answers);
    await Promise.all(
      under.map(async ({ told, point: { name, after, waiting, soon = waiting } }, n) => {
        try {
          await after(told, await Promise.all((asked[n] ?? []).map(expectDone)));
          await told.expectInboxes(waiting, soon);
        } catch (error) {
          throw new Error(`${told.name}: ${name}, and ${victim} is killed: ${error}`, { cause: error });
        }
      }),
    );
  }

  for (const part of Object.values(parts)) await part.kill();
  for (const part of Object.values(parts)) await part.start();
  for (const told of tellings) await expectTold(stack, told);
});

const EVENTS = ["approval.*", "workflow_run.completed"];

/** What is told of each run, once: with a step, of its gate. Reminders come while nobody decides. */
const TOLD = [
  ...["gate", "sign", "late", "last"].flatMap((ref) => [`approval.requested ${ref}`, `approval.decided ${ref}`]),
  ...["approval.reassigned gate", "approval.escalated late", "workflow_run.completed "],
];

interface Message {
  event: string;
  workflow_run_id: string;
  step_ref?: string;
}

async function expectTold(stack: Stack, told: Telling): Promise<void> {
  expect(await told.ends()).toMatchObject({ status: "completed" });
  expect(await told.statuses()).toMatchObject({ ship: "completed", hold: "skipped", done: "completed" });
  expect(await told.gate("gate")).toMatchObject({
    ...{ status: "approved", option: "ship", approved_by: "sam", step_attempt: 1 },
    votes: [{ actor: "mia" }, { actor: "sam" }],
  });
  for (const path of ["/ship", "/hold", "/done"]) {
    const own = stack.jobs.callsTo(path).filter(({ body }) => (body as { story: string }).story === told.name);
    const attempts = own.map(({ headers }) => `${headers["x-run-id"]} ${headers["x-attempt"]}`);
    // A call whose answer its worker did not live to hear is made again, as the same attempt.
    expect([path, new Set(attempts).size]).toEqual([path, path === "/hold" ? 0 : 1]);
  }
  const heard = () => {
    const byEvent = new Map<string, Set<unknown>>();
    for (const { body, headers, answer, cutOff } of stack.jobs.callsTo("/told")) {
      const { event, workflow_run_id, step_ref = "" } = body as unknown as Message;
      if (workflow_run_id !== told.run.id || !answer || cutOff) continue;
      const what = `${event} ${step_ref}`;
      byEvent.set(what, (byEvent.get(what) ?? new Set()).add(headers["webhook-id"]));
    }
    return byEvent;
  };
  await until(() => [...TOLD, "approval.reminder late"].every((what) => heard().has(what)));
  const ids = [...heard()]
    .filter(([what]) => what !== "approval.reminder late")
    .map(([what, { size }]) => [what, size]);
  expect(Object.fromEntries(ids)).toEqual(Object.fromEntries(TOLD.map((what) => [what, 1])));
}
