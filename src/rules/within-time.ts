import vm from "node:vm";

const room = vm.createContext({ act: undefined });
const script = new vm.Script("act()");

/** That much of a cut-off time was the act's own, and not spent on waiting for a processor. */
const OWN = 0.8;

/**
 * Runs what a client may have made to take very long. It is cut off in the middle: nothing that it changes may be used after that.
 * What has had less of the processor than its time, on a busy machine, is run anew with twice as long.
 */
export function withinTime<Done>(ms: number, act: () => Done, tooLong: () => Done): Done {
  for (let wait = Math.ceil(ms); ; wait *= 2) {
    const began = process.cpuUsage();
    const done = cutOffAfter(wait, act);
    if (done) return done.result;
    const { user, system } = process.cpuUsage(began);
    if ((user + system) / 1_000 >= ms * OWN) return tooLong();
  }
}

function cutOffAfter<Done>(ms: number, act: () => Done): { result: Done } | undefined {
  room.act = act;
  try {
    return { result: script.runInContext(room, { timeout: ms }) };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ERR_SCRIPT_EXECUTION_TIMEOUT") return undefined;
    throw error;
  } finally {
    room.act = undefined;
  }
}
