import { classOf, type FailureClass } from "../../workflows/failure-classes.ts";

const BEGINNINGS: [string, FailureClass][] = [
  ["execution timed out", "timeout"],
  ["run_ttl_secs is over", "timeout"],
  ["endpoint could not be reached", "connection"],
  ["endpoint did not answer in HTTP", "transient"],
];

/** The class of an attempt that failed, by what it was said to have failed of: that alone is kept. Undefined where it does not tell. */
export function classOfError(error = ""): FailureClass | undefined {
  const status = /^endpoint returned (\d{3})/.exec(error)?.[1];
  if (status !== undefined) return classOf(Number(status));
  return BEGINNINGS.find(([beginning]) => error.startsWith(beginning))?.[1];
}
