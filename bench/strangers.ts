import { setTimeout as sleep } from "node:timers/promises";
import { request } from "undici";
import { oneAtATime } from "./load.ts";
import { printMachine } from "./machine.ts";
import { readOptions } from "./options.ts";
import { startApart } from "./product.ts";
import { median, quantile, ratio, rounds, short, spread } from "./rounds.ts";
import { withServers } from "./servers/index.ts";
import { definitionOf, shapes } from "./shapes.ts";
import { HOSTILE_DOCUMENTS, largestConditions } from "./strangers/hostile.ts";
import { printTable } from "./table.ts";
import { mintToken } from "../src/cli/mint.ts";

/** One-step runs of one project, while another project sends in a loop what is meant to hold up everybody. */
const RUNS = 40;
const options = readOptions({ rounds: 5, seconds: 8 });
printMachine(options);

await withServers(options.temporal, async (servers) => {
  const product = await startApart(servers);
  await product.startWorker();
  const workflow = await product.createWorkflow(definitionOf(shapes.one, await product.createJob("delay=0")));
  const run = async () => product.completed(await product.trigger(workflow));

  const token = mintToken(servers.auth, { sub: "stranger", projects: ["stranger"], scopes: ["*"] });
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  const send = async (path: string, body: string | Buffer) => {
    const answer = await request(`${product.url}${path}`, { method: "POST", headers, body });
    const text = await answer.body.text();
    if (answer.statusCode >= 500) throw new Error(`${path} answered ${answer.statusCode} ${text.slice(0, 200)}`);
    return { status: answer.statusCode, body: JSON.parse(text) as { id: string } };
  };
  const conditions = await send("/v1/workflows", JSON.stringify(largestConditions()));
  if (conditions.status !== 201) throw new Error(`the largest conditions were refused: ${JSON.stringify(conditions)}`);

  const loops: Record<string, () => Promise<unknown>> = {
    "large conditions run": async () => {
      await send(`/v1/workflows/${conditions.body.id}/trigger`, "{}");
      // As fast as they end: a queue of thousands would be load, and no blocking.
      await sleep(200);
    },
    ...Object.fromEntries(
      HOSTILE_DOCUMENTS.map(({ name, path, body }) => {
        const bytes = Buffer.from(body);
        return [name, () => send(path.replace("WORKFLOW", conditions.body.id), bytes)];
      }),
    ),
  };
  const measured = (loop: () => Promise<unknown>) => async () => {
    let isOver = false;
    const looping = (async () => {
      while (!isOver) await loop();
    })();
    const took = await oneAtATime(RUNS, run);
    isOver = true;
    await looping;
    return took;
  };
  const results = await rounds(options.rounds, {
    alone: () => oneAtATime(RUNS, run),
    ...Object.fromEntries(Object.entries(loops).map(([name, loop]) => [name, measured(loop)])),
  });
  const alone = results.alone.map((took) => median(took));
  printTable(
    `One-step runs from the trigger to the end (${options.temporal}), ${options.rounds} rounds of ${RUNS}, ms`,
    Object.entries(results).map(([name, all]) => ({
      beside: name,
      median: spread(all.map((took) => median(took))),
      p95: spread(all.map((took) => quantile(took, 0.95))),
      "median / alone": short(
        ratio(
          all.map((took) => median(took)),
          alone,
        ),
      ),
    })),
  );
});
