import jwt from "jsonwebtoken";

/** How much longer than the attempt its token is good for. */
const TOKEN_GRACE_SECS = 60;

/** Proves to the endpoint, and to us should it call back, which job run it works for. */
export function runToken(secret: string, jobRunId: string, timeoutSecs: number): string {
  return jwt.sign({}, secret, {
    algorithm: "HS256",
    subject: jobRunId,
    audience: "run",
    expiresIn: timeoutSecs + TOKEN_GRACE_SECS,
  });
}
