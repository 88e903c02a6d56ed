import type { ErrorCode } from "./contract/answers/problem.ts";

/** What the engine refuses, as the caller is told it. What is wrong with a field names the field. */
export const refusal = ({ code = "invalid_state", message = "refused", details }: Refused) =>
  new Problem(code, message, details ?? (code === "validation_error" ? [message] : undefined));

interface Refused {
  code?: ErrorCode;
  message?: string;
  details?: string[];
}

/** What is wrong with one field of a request, named as its client wrote it. */
export const invalid = (field: string, message: string) =>
  new Problem("validation_error", message, [detailOf(field, message)]);

/** A message as a detail of its field, which it need not name again. */
export function detailOf(field: string, message: string): string {
  const name = field.slice(field.lastIndexOf(".") + 1);
  const named = [`invalid ${name}: `, `${name} `].find((beginning) => message.startsWith(beginning)) ?? "";
  // In an `error`, clients know it as "uRL".
  return `${field}: ${message.slice(named.length).replace(/^uRL/, "URL")}`;
}

/** A refusal with words for the caller. `details` names fields as the client wrote them. */
export class Problem extends Error {
  readonly code: ErrorCode;
  readonly details: string[] | undefined;

  constructor(code: ErrorCode, message: string, details?: string[]) {
    super(message);
    this.name = "Problem";
    this.code = code;
    this.details = details;
  }
}
