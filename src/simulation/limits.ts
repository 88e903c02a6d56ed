import { Problem } from "../errors.ts";

/** What a simulation would take more of than one request may. */
export const tooLarge = (why: string): Problem => new Problem("validation_error", `too large to be simulated: ${why}`);
