interface Counted {
  caller: string;
  calls: number;
  /** How many X-Run-IDs came more than once with the same X-Attempt. */
  repeated: number;
}

/** Throws unless the endpoint was called exactly as often by each caller as steps were run for it, no step twice. */
export async function assertCalledOnce(endpointUrl: string, stepsRun: Record<string, number>): Promise<void> {
  const counted = (await (await fetch(`${endpointUrl}/counts`)).json()) as Counted[];
  const problems = Object.entries(stepsRun).flatMap(([caller, steps]) => {
    const { calls = 0, repeated = 0 } = counted.find((one) => one.caller === caller) ?? {};
    console.log(`${caller}: ${steps} steps run, ${calls} calls, ${repeated} of them repeated.`);
    return calls === steps && repeated === 0 ? [] : [`${caller}: ${steps} steps made ${calls} calls`];
  });
  if (problems.length > 0) throw new Error(`Steps were called more or less than once: ${problems.join("; ")}.`);
}
