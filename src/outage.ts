import { isGrpcServiceError } from "@temporalio/client";

const GRPC_OUTAGE = [4 /* DEADLINE_EXCEEDED */, 8 /* RESOURCE_EXHAUSTED */, 14 /* UNAVAILABLE */];
// Socket errors; SQLSTATE class 08 (connection), 53 (resources), 57P (shutting down or starting); pg's own words, which have no code.
const OUTAGE_CODE =
  /^(E(CONN(REFUSED|RESET|ABORTED)|TIMEDOUT|PIPE|NOTFOUND|HOSTUNREACH|NETUNREACH|AI_AGAIN)|08\w{3}|53\w{3}|57P0[1-3])$/;
const OUTAGE_MESSAGE =
  /^(Connection terminated|timeout exceeded when trying to connect|Query read timeout|Client has encountered a connection error)/;

/** Whether Postgres or Temporal is down, rather than something wrong with us. */
export function isOutage(error: unknown): boolean {
  if (isGrpcServiceError(error)) return GRPC_OUTAGE.includes(error.code);
  if (!(error instanceof Error)) return false;
  const code: unknown = Reflect.get(error, "code");
  return OUTAGE_CODE.test(String(code)) || OUTAGE_MESSAGE.test(error.message) || isOutage(error.cause);
}
