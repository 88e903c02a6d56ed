import { createHash } from "node:crypto";
import jwt from "jsonwebtoken";
import { secretKey } from "./secret-key.ts";

/** How much longer than the attempt its token is good for. */
const TOKEN_GRACE_SECS = 60;

/** SHA-256 of what an endpoint is given, as it is sent. */
export const payloadHash = (body: string): string => createHash("sha256").update(body).digest("hex");

/** Proves to the endpoint who calls, for which job run and with what; and to us, should it call back, which job run it works for. */
export function runToken(secret: string, jobRunId: string, timeoutSecs: number, payload_hash: string): string {
  return jwt.sign({ payload_hash }, secretKey(secret), {
    algorithm: "HS256",
    subject: jobRunId,
    audience: "run",
    expiresIn: timeoutSecs + TOKEN_GRACE_SECS,
  });
}
