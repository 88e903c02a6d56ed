import { Client, Connection } from "@temporalio/client";
import { byHand } from "./commands/by-hand.ts";
import { overApi, type Pause } from "./commands/over-api.ts";
import { startHandWritten } from "./hand-written/subject.ts";
import { manyAtOnce } from "./load.ts";
import { printMachine } from "./machine.ts";
import { readOptions } from "./options.ts";
import { overHttp, startProduct } from "./product.ts";
import { median, quantile, ratio, rounds, short } from "./rounds.ts";
import { withServers } from "./servers/index.ts";
import { shapes } from "./shapes.ts";
import { printTable } from "./table.ts";

const LOADING_CLIENTS = 16;
const options = readOptions({ rounds: 5, seconds: 8 });
printMachine(options);

await withServers(options.temporal, async (servers) => {
  const product = await startProduct(servers);
  await startHandWritten(servers);
  const connection = await Connection.connect({ address: servers.temporalAddress });
  const api = await overApi(product);
  const hand = byHand(new Client({ connection }));
  const loading = overHttp(product);
  const underLoad = async <Measured>(measure: () => Promise<Measured>) => {
    const done = new AbortController();
    const load = manyAtOnce(LOADING_CLIENTS, done.signal, () => loading.run(shapes.chain));
    try {
      return await measure();
    } finally {
      done.abort();
      await load;
    }
  };

  const measured = await rounds(options.rounds, {
    approve: api.approve,
    approveByHand: hand.toTheEnd,
    skip: api.skip,
    retry: api.retry,
    commandByHand: hand.signalAndQuery,
    pause: api.pause,
    pauseUnderLoad: () => underLoad(api.pause),
  });
  await connection.close();

  const row = (what: string, of: number[][], to?: number[][]) => {
    const all = of.flat();
    return {
      what,
      samples: all.length,
      ...Object.fromEntries([0.5, 0.99, 1].map((q) => [q < 1 ? `p${q * 100} ms` : "max ms", short(quantile(all, q))])),
      "ratio to by hand": to ? short(ratio(of.map(median), to.map(median))) : "",
    };
  };
  const { approve, skip, retry, pause, pauseUnderLoad, approveByHand, commandByHand } = measured;
  const until = (moment: keyof Pause, of: Pause[][]) => of.map((pauses) => pauses.map((took) => took[moment]));
  printTable(`Commands one at a time, Temporal ${options.temporal}, ${options.rounds} rounds`, [
    row("approve: request to the run completed", approve, approveByHand),
    row("  by hand: signal to the result", approveByHand),
    row("skip: request to answered", skip, commandByHand),
    row("retry of a failed step: request to answered", retry, commandByHand),
    row("  by hand: signal and query", commandByHand),
    row("pause of a quick chain of 1,000: request to answered", until("answered", pause)),
    row("  request to seen by GET", until("seen", pause)),
    row(`  answered while ${LOADING_CLIENTS} clients run chains of 5`, until("answered", pauseUnderLoad)),
    row("  seen by GET meanwhile", until("seen", pauseUnderLoad)),
  ]);
});
