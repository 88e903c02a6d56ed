import { parseArgs } from "node:util";
import type { TemporalKind } from "./servers/index.ts";

export interface Options {
  temporal: TemporalKind;
  rounds: number;
  /** How long a throughput is measured a round. */
  seconds: number;
  /** Only this one. */
  shape?: string;
  /** How many processes take what they get of the cores beside it. */
  busy: number;
}

/** The options of a bench, as given on its command line. */
export function readOptions(standard: { rounds: number; seconds: number }): Options {
  const { values } = parseArgs({
    options: {
      temporal: { type: "string", default: "dev" },
      rounds: { type: "string", default: String(standard.rounds) },
      seconds: { type: "string", default: String(standard.seconds) },
      shape: { type: "string" },
      busy: { type: "string", default: "0" },
    },
  });
  const { temporal } = values;
  if (temporal !== "dev" && temporal !== "postgres") throw new Error("--temporal is dev or postgres");
  return {
    temporal,
    rounds: Number(values.rounds),
    seconds: Number(values.seconds),
    shape: values.shape,
    busy: Number(values.busy),
  };
}
