import { classOf, type FailureClass } from "../../workflows/failure-classes.ts";

/** An attempt that failed at the endpoint's side, in words for the run's reader. Its class decides about retries and fallback. */
export class EndpointFailure extends Error {
  readonly class: FailureClass;
  /** How long the endpoint asks to be left alone. */
  readonly retryAfterMs: number | undefined;

  constructor(failureClass: FailureClass, message: string, retryAfterMs?: number) {
    super(cut(message.replaceAll("\0", "\uFFFD")));
    this.class = failureClass;
    this.retryAfterMs = retryAfterMs;
  }
}

const MAX_MESSAGE_BYTES = 4096;

function cut(text: string): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= MAX_MESSAGE_BYTES) return text;
  // A decoder that expects more keeps back the character that the cut went through.
  return new TextDecoder().decode(bytes.subarray(0, MAX_MESSAGE_BYTES), { stream: true });
}

export function answerFailure(status: number, body: string, retryAfterMs?: number): EndpointFailure {
  const said = status >= 300 && status < 400 ? "redirects are not followed" : body.trim();
  return new EndpointFailure(classOf(status), `endpoint returned ${status}${said && `: ${said}`}`, retryAfterMs);
}

const CONNECTION: Record<string, string> = {
  ECONNREFUSED: "connection refused",
  ECONNRESET: "connection closed before an answer came",
  EPIPE: "connection closed before an answer came",
  UND_ERR_SOCKET: "connection closed before an answer came",
  ENOTFOUND: "host name not found",
  EAI_AGAIN: "host name could not be looked up",
  ETIMEDOUT: "connection timed out",
  UND_ERR_CONNECT_TIMEOUT: "connection timed out",
  EHOSTUNREACH: "no route to host",
  ENETUNREACH: "no route to network",
};

export function connectionFailure(error: unknown): EndpointFailure {
  if (error instanceof EndpointFailure) return error;
  const code = codeOf(error);
  const known = CONNECTION[code];
  if (known) return new EndpointFailure("connection", `endpoint could not be reached: ${known}`);
  if (code === "UND_ERR_INVALID_ARG" || code === "ERR_INVALID_URL")
    return new EndpointFailure("client", "endpoint URL is not usable");
  return new EndpointFailure("transient", `endpoint did not answer in HTTP${code && `: ${code}`}`);
}

function codeOf(error: unknown): string {
  if (typeof error !== "object" || error === null) return "";
  const { code, cause } = error as { code?: unknown; cause?: unknown };
  return typeof code === "string" ? code : codeOf(cause);
}
