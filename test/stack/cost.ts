/** CPU time of this process, in ms: what other processes do beside it adds nothing to it. */
async function cost(act: () => unknown): Promise<number> {
  const began = process.cpuUsage();
  await act();
  const { user, system } = process.cpuUsage(began);
  return (user + system) / 1_000;
}

/**
 * How many times as long an act takes as its harmless `twin`, with which it takes turns, so that a slow machine is slow for both.
 * The least of some tries: whatever else goes on in the process only adds.
 */
export async function timesAsLong(act: () => unknown, twin: () => unknown, tries = 3): Promise<number> {
  const [acts, twins]: [number[], number[]] = [[], []];
  for (let i = 0; i < tries; i++) {
    twins.push(await cost(twin));
    acts.push(await cost(act));
  }
  return Math.min(...acts) / Math.max(0.01, Math.min(...twins));
}
