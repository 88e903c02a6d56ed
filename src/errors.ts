/** The closed set of things that can go wrong for a caller (contract §1). What status each becomes is http/problems.ts's. */
export type ErrorCode =
  | "validation_error"
  | "invalid_state"
  | "approver_not_allowed"
  | "unauthorized"
  | "forbidden"
  | "not_found"
  | "method_not_allowed"
  | "conflict"
  | "payload_too_large"
  | "rate_limited"
  | "internal_error"
  | "unavailable";

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
