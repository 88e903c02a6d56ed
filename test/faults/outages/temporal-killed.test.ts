import { expect, test } from "vitest";
import { chainsUnderWay, expectLane, LANES } from "../../stack/chains.ts";
import { compareEndpointLog } from "../../stack/endpoint-log.ts";
import { startOwnTemporal } from "../../stack/own-servers.ts";
import { GATE } from "../../stack/step-drafts.ts";
import { until } from "../../stack/until.ts";
import { stackOver } from "./own-server.ts";
import { TOLD_WITHIN_MS } from "./unavailable.ts";

const own = stackOver(startOwnTemporal);

test("after a kill -9 of the Temporal server runs go on where they were", async () => {
  const { server: temporal, stack, on } = own;
  const answer = stack.jobs.hold("/held");
  const gated = await on.start([GATE, { step_ref: "job", calls: "/job", depends_on: ["gate"] }]);
  const calling = await on.start([
    { step_ref: "held", calls: "/held" },
    { step_ref: "job", calls: "/job", depends_on: ["held"] },
  ]);
  await on.opens(gated, "gate");
  await until(() => stack.jobs.callsTo("/held").length === 1);

  await temporal.kill();
  const killedAt = Date.now();
  const told = await Promise.all([
    on.steer(gated, "pause"),
    stack.request("DELETE", `/v1/workflow-runs/${gated.id}`),
    stack.request("POST", `/v1/workflows/${gated.workflow_id}/trigger`, {}),
  ]);
  expect(told.map(({ status }) => status)).toEqual([503, 503, 503]);
  expect(Date.now() - killedAt).toBeLessThan(TOLD_WITHIN_MS);
  // Reads go on, from the mirror.
  expect(await on.run(gated)).toMatchObject({ status: "running" });
  expect(await stack.request("GET", "/v1/workflow-runs")).toMatchObject({ status: 200, body: { length: 2 } });
  answer();

  await temporal.start();
  // Nothing of a command that was answered 503 is left behind.
  expect(await until(() => on.step(gated, "gate"))).toMatchObject({ status: "waiting" });
  await until(async () => [200, 202].includes((await on.steer(gated, "approve", "gate")).status));
  expect(await on.ends(gated)).toMatchObject({ status: "completed" });
  expect(await on.ends(calling)).toMatchObject({ status: "completed" });
  expect(stack.jobs.callsTo("/job")).toHaveLength(2);
  // Its answer came while nobody could record it: the worker has kept it.
  expect(await compareEndpointLog(stack)).toEqual([]);
  expect(await on.step(calling, "held")).toMatchObject({ status: "completed", attempt: 1 });
});

test.for(LANES)(
  "a kill -9 of the Temporal server loses no run of the $lane lane, and repeats no call",
  async (lane) => {
    const { server: temporal, stack, on } = own;
    const chains = await chainsUnderWay(stack, on, lane);
    await temporal.kill();
    await temporal.start();
    const ended = await Promise.all(chains.map((run) => on.ends(run)));
    expect(ended.map(({ status }) => status)).toEqual(ended.map(() => "completed"));
    await expectLane(lane, stack, chains);
    expect(await compareEndpointLog(stack)).toEqual([]);
  },
);
