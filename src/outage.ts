import { status } from "@grpc/grpc-js";
import { isGrpcServiceError } from "@temporalio/client";
import { NamespaceNotFoundError } from "@temporalio/common";
import { Problem } from "./errors.ts";

/** What Temporal, or the way to it, answers when it can't do what it usually does. A frozen server is CANCELLED, by our own deadline. */
const GRPC_OUTAGE = [
  ...[status.CANCELLED, status.DEADLINE_EXCEEDED, status.UNAVAILABLE, status.ABORTED, status.RESOURCE_EXHAUSTED],
  // A broken connection is UNKNOWN ("transport error") or INTERNAL.
  ...[status.UNKNOWN, status.INTERNAL],
  // It does not take us for who we say we are any more.
  ...[status.UNAUTHENTICATED, status.PERMISSION_DENIED],
];

/**
 * SQLSTATE: 08 connection; 53 out of disk, memory, connections; 57P0x shutting down, starting, database dropped; 57014
 * canceled by a timeout; 25006 read-only, as a standby is; 58 its files; 55000 it takes no connections to a database, 55P03, 40001, 40P01 somebody else was before us; 28, 3D000
 * user, password or database are not those that it knows.
 */
const SQLSTATE_OUTAGE = /^(08\w{3}|53\w{3}|57P0\w|57014|25006|58\w{3}|55000|55P03|40001|40P01|28\w{3}|3D000)$/;
const SOCKET_OUTAGE =
  /^E(CONN(REFUSED|RESET|ABORTED)|TIMEDOUT|PIPE|NOTFOUND|AI_AGAIN|HOST(UNREACH|DOWN)|NET(UNREACH|DOWN|RESET)|ADDRNOTAVAIL|MFILE|NFILE|PROTO)$/;
const TLS_OUTAGE =
  /^(ERR_(SSL|TLS)_\w+|CERT_\w+|SELF_SIGNED_CERT_IN_CHAIN|DEPTH_ZERO_SELF_SIGNED_CERT|UNABLE_TO_(GET|VERIFY)_\w+|HOSTNAME_MISMATCH)$/;
/** pg's own words, which have no code. */
const OUTAGE_MESSAGE =
  /^(Connection terminated|timeout exceeded when trying to connect|Query read timeout|Client has encountered a connection error|Client was closed|The server does not support SSL|There was an error establishing an SSL|Cannot use a pool after calling end)/;

/** Whether Postgres or Temporal is down, rather than something wrong with us. */
export function isOutage(error: unknown): boolean {
  if (isGrpcServiceError(error)) return GRPC_OUTAGE.includes(error.code);
  if (error instanceof NamespaceNotFoundError) return true;
  if (!(error instanceof Error)) return false;
  // The SDK's, of a connection that can't be made.
  if (error.name === "TransportError") return true;
  const code = String(Reflect.get(error, "code"));
  const isKnown = [SQLSTATE_OUTAGE, SOCKET_OUTAGE, TLS_OUTAGE].some((codes) => codes.test(code));
  // No file is read or written for a request: what can't be connected to or looked up is one of the two.
  const isSocket = ["connect", "getaddrinfo"].includes(String(Reflect.get(error, "syscall")));
  return isKnown || isSocket || OUTAGE_MESSAGE.test(error.message) || isOutage(error.cause);
}

export const OUTAGE = "a service this depends on cannot be reached, try again";

/**
 * Of a request whose answer was lost on the way to Temporal: it may have arrived. `key`: the Idempotency-Key under which a
 * repeated one takes effect once.
 */
export function unknownOutcome(cause: unknown, what: string, key = "same Idempotency-Key"): Problem {
  const problem = new Problem("unavailable", OUTAGE, [`${what}: a repeat under the ${key} takes effect once`]);
  problem.cause = cause;
  return problem;
}
