import { expect, test } from "vitest";
import { startStack } from "../stack/harness.ts";
import { startOwnTemporal } from "../stack/own-servers.ts";
import { scenarioOn } from "../stack/scenario.ts";
test.each([[["history.MaxBufferedQueryCount=1"]], [[]]])("m %s", async (settings) => {
  const temporal = await startOwnTemporal(settings);
  const stack = await startStack({ servers: temporal });
  const on = scenarioOn(stack);
  const run = await on.start([{ step_ref: "gate", step_type: "approval", approval_approvers: ["ada"] }]);
  await on.opens(run, "gate");
  for (const n of [10, 60]) {
    const t = Date.now();
    const took: number[] = [];
    const a = await Promise.all(Array.from({ length: n }, () => on.steer(run, "skip", "nowhere").then((r) => (took.push(Date.now() - t), r.status))));
    console.log("MEASURE", settings, n, Date.now() - t, "first", Math.min(...took), "202s", a.filter((s) => s === 202).length);
  }
  await stack.stop();
  await temporal.remove();
});
