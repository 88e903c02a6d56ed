import { freePort } from "../../../../src/dev/ports.ts";
import { type Answered, requestTo, type Stack, startStack } from "../../../stack/harness.ts";
import { startOwnPostgres, startOwnTemporal } from "../../../stack/own-servers.ts";
import { startApiProcess, startWorkerProcess } from "../../../stack/processes.ts";
import { scenarioOn } from "../../../stack/scenario.ts";
import { until } from "../../../stack/until.ts";

/** Everything that a gate needs to be decided, each a process that can be killed, and started again where it was. */
export async function startDeployment(onStop: (stop: () => Promise<void>) => void) {
  const temporal = await startOwnTemporal();
  onStop(() => temporal.remove());
  // What a killed server had committed is not lost: without this, the last moments would be.
  const postgres = await startOwnPostgres(["synchronous_commit=on"]);
  onStop(() => postgres.remove());
  const servers = { ...temporal, ...postgres };
  const stack = await startStack({ servers, worker: false, logLevel: "silent" });
  onStop(() => stack.stop());

  const PORT = String(await freePort());
  const startApi = () => startApiProcess(stack, { PORT });
  let [api, worker] = await Promise.all([startApi(), startWorkerProcess(stack)]);
  onStop(async () => {
    await Promise.all([api.kill(), worker.kill()]);
  });
  const parts = {
    // A killed one's children hold on to its memory for a moment, in which no other one starts.
    postgres: { kill: postgres.kill, start: () => until(() => postgres.start().then(() => true)) },
    temporal: { kill: temporal.kill, start: temporal.start },
    api: {
      kill: () => api.kill(),
      async start() {
        api = await startApi();
      },
    },
    worker: {
      kill: () => worker.kill(),
      async start() {
        worker = await startWorkerProcess(stack);
      },
    },
  };
  const request = insisting(requestTo(`http://127.0.0.1:${PORT}`, () => stack.token()));
  const on = scenarioOn({ ...stack, request });
  return { stack, parts, on, request, page: `http://127.0.0.1:${PORT}` };
}

/** A client that asks the same again until it is answered: where nobody is there, or somebody is who can't reach another. */
const insisting =
  (request: Stack["request"]): Stack["request"] =>
  <Body>(...asked: Parameters<Stack["request"]>) =>
    until(async (): Promise<Answered<Body> | false> => {
      const answer = await request<Body>(...asked);
      return answer.status !== 503 && answer;
    });
