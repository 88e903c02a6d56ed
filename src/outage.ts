import { status } from "@grpc/grpc-js";
import { isGrpcServiceError } from "@temporalio/client";
import { NamespaceNotFoundError } from "@temporalio/common";
import { Problem } from "./errors.ts";

/** The codes of a Temporal that is away, overloaded or unreachable. Our own deadline makes a frozen server CANCELLED. */
const GRPC_OUTAGE = [
  ...[status.CANCELLED, status.DEADLINE_EXCEEDED, status.UNAVAILABLE, status.ABORTED, status.RESOURCE_EXHAUSTED],
  // A broken connection is UNKNOWN ("transport error") or INTERNAL.
  ...[status.UNKNOWN, status.INTERNAL],
  // It refuses our credentials, which it took before.
  ...[status.UNAUTHENTICATED, status.PERMISSION_DENIED],
];

/**
 * SQLSTATE: 08 connection; 53 out of disk, memory, connections; 57P0x shutting down, starting, database dropped; 57014 canceled by a
 * timeout; 25006 read-only, as a standby is; 58 errors of its files; 55000 takes no connections to a database; 55P03, 40001, 40P01
 * conflicts with another transaction; 25P03 took too long to go on with its own; 28, 3D000 unknown user, password or database.
 */
const SQLSTATE_OUTAGE = /^(08\w{3}|53\w{3}|57P0\w|57014|25006|25P03|58\w{3}|55000|55P03|40001|40P01|28\w{3}|3D000)$/;
const SOCKET_OUTAGE =
  /^E(CONN(REFUSED|RESET|ABORTED)|TIMEDOUT|PIPE|NOTFOUND|AI_AGAIN|HOST(UNREACH|DOWN)|NET(UNREACH|DOWN|RESET)|ADDRNOTAVAIL|MFILE|NFILE|PROTO)$/;
const TLS_OUTAGE =
  /^(ERR_(SSL|TLS)_\w+|CERT_\w+|SELF_SIGNED_CERT_IN_CHAIN|DEPTH_ZERO_SELF_SIGNED_CERT|UNABLE_TO_(GET|VERIFY)_\w+|HOSTNAME_MISMATCH)$/;
/** Errors of the pg driver itself have no code. */
const OUTAGE_MESSAGE =
  /^(Connection terminated|timeout exceeded when trying to connect|Query read timeout|Client has encountered a connection error|Client was closed|The server does not support SSL|There was an error establishing an SSL|Cannot use a pool after calling end)/;

/** Whether the error means that Postgres or Temporal is down, and not that we have a bug. */
export function isOutage(error: unknown): boolean {
  if (isGrpcServiceError(error)) return GRPC_OUTAGE.includes(error.code);
  if (error instanceof NamespaceNotFoundError) return true;
  if (!(error instanceof Error)) return false;
  // The SDK's error of a connection that can't be made.
  if (error.name === "TransportError") return true;
  const code = String(Reflect.get(error, "code"));
  const isKnown = [SQLSTATE_OUTAGE, SOCKET_OUTAGE, TLS_OUTAGE].some((codes) => codes.test(code));
  // We connect to nothing else for a request, so what can't be connected to or looked up is one of the two.
  const isSocket = ["connect", "getaddrinfo"].includes(String(Reflect.get(error, "syscall")));
  return isKnown || isSocket || OUTAGE_MESSAGE.test(error.message) || isOutage(error.cause);
}

export const OUTAGE = "a service this depends on cannot be reached, try again";

/**
 * For a request to Temporal whose answer was lost: the request may have arrived. `key` is the Idempotency-Key under which a repeat
 * takes effect once; without it, that of the request, if it had one.
 */
export function unknownOutcome(cause: unknown, what: string, key?: string): Problem {
  const repeat = key
    ? `a repeat under the Idempotency-Key ${key} takes effect once`
    : "a repeat under the same Idempotency-Key takes effect once, one without a key makes another";
  const problem = new Problem("unavailable", OUTAGE, [`${what}: ${repeat}`]);
  problem.cause = cause;
  return problem;
}

/** Of a command: sent again with its id as Idempotency-Key, it takes effect once. */
export const maybeStored =
  (id: string) =>
  (cause: unknown): Problem =>
    unknownOutcome(cause, "the command may be stored", id);
