import { createHmac } from "node:crypto";

const PREFIX = "whsec_";
const keyOf = (secret: string): Buffer =>
  secret.startsWith(PREFIX) ? Buffer.from(secret.slice(PREFIX.length), "base64") : Buffer.from(secret, "utf8");

/** The headers of standardwebhooks.com: the id is the message's at each attempt, the time the attempt's. */
export function signed(secret: string, id: string, body: string, at = Math.floor(Date.now() / 1000)) {
  const signature = createHmac("sha256", keyOf(secret)).update(`${id}.${at}.${body}`).digest("base64");
  return { "webhook-id": id, "webhook-timestamp": String(at), "webhook-signature": `v1,${signature}` };
}
