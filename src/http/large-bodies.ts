import type { Caller } from "../identity/caller.ts";
import { inTurn } from "../time/in-turn.ts";

/** Less is read in a moment, whatever is in it. */
const LARGE_BYTES = 65_536;

/** Reading a large body holds the process, and to have a wrong one refused costs its sender nothing. */
export const readInTurn = async <Read>({ actor, projects }: Caller, bytes: number, read: () => Read): Promise<Read> =>
  bytes < LARGE_BYTES ? read() : inTurn(JSON.stringify([actor, projects]), read);
