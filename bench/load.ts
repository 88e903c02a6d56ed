/** How long it took, in ms. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

/** What each of `count` runs took in ms, one after the other. */
export async function oneAtATime(count: number, run: () => Promise<unknown>): Promise<number[]> {
  const took: number[] = [];
  for (let n = 0; n < count; n++) took.push(await timed(run));
  return took;
}

/** Keeps that many clients busy until told that it is enough, lets them end what they have begun, and counts it all. */
export async function manyAtOnce(clients: number, enough: AbortSignal, run: () => Promise<unknown>) {
  let runs = 0;
  const client = async () => {
    do {
      await run();
      runs++;
    } while (!enough.aborted);
  };
  const ms = await timed(() => Promise.all(Array.from({ length: clients }, client)));
  return { runs, aSecond: (runs * 1000) / ms };
}
