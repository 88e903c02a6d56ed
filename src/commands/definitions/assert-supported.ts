import { unsupportedIn } from "../../contract/without-effect.ts";
import { Problem } from "../../errors.ts";

/** Refuses fields that have no effect yet, rather than to store and show them as if they had one. */
export function assertSupported(body: object, unsupported: Record<string, readonly unknown[]>): void {
  const fields = unsupportedIn(body, unsupported);
  if (fields.length === 0) return;
  const details = fields.map((field) => `${field}: is not supported yet`);
  throw new Problem("validation_error", `${fields[0]} is not supported yet`, details);
}
