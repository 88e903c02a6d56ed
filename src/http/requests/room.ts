import type { Request, Response } from "express";
import { knownCaller } from "../auth.ts";
import { Problem } from "../../errors.ts";

const MIB = 2 ** 20;
/** Of the bodies and answers that this process holds for its clients, who may send the rest slowly, or not read. */
const MOST = 256 * MIB;
const MOST_OF_ONE = 64 * MIB;
/** So much for each of the connections that there may be is not too much. */
const SMALL = MIB / 16;

let taken = 0;
/** By the caller. */
const takenBy = new Map<string, number>();

function take(whose: string, bytes: number): void {
  taken += bytes;
  const now = (takenBy.get(whose) ?? 0) + bytes;
  if (now > 0) takenBy.set(whose, now);
  else takenBy.delete(whose);
}

/**
 * Holds so many bytes for a caller until they have their answer, or have gone. Where they, or all, would hold too many, it throws,
 * unless `isDone`: of what was done the answer is told.
 */
export function takeRoom(request: Request, response: Response, bytes: number, isDone = false): void {
  if (bytes < SMALL || response.destroyed) return;
  const { actor, projects } = knownCaller(request) ?? {};
  const whose = JSON.stringify([actor, projects]);
  const isOwn = (takenBy.get(whose) ?? 0) + bytes > MOST_OF_ONE;
  if (!isDone && (isOwn || taken + bytes > MOST))
    throw new Problem(
      "unavailable",
      `too much of ${isOwn ? "yours" : "others"} is still to be sent or read, try again`,
    );
  take(whose, bytes);
  response.once("close", () => take(whose, -bytes));
}

/** For a body that does not say how large it is. Who sends too much is told so at its end; what comes until then is not kept. */
export function takeRoomAsItComes(request: Request, response: Response, limit: number): void {
  let come = 0;
  let room = SMALL;
  const onData = ({ length }: Buffer) => {
    come += length;
    if (come <= room || room >= limit) return;
    const more = Math.min(4 * room, limit);
    try {
      takeRoom(request, response, more - room);
      room = more;
    } catch (problem) {
      request.off("data", onData);
      // Whoever reads the body gives up by this.
      request.emit("error", problem);
    }
  };
  request.on("data", onData);
}
