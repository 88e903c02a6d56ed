import { z } from "zod";
import { map, sentence } from "../fields.ts";

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}$/;
const VALUE = /^[ -~]{0,1024}$/;
/** Servers refuse a request whose headers take more than 8 KiB or so, and each has the server's own besides. */
const MAX_TOGETHER = 4_096;

/** What a call has itself, and what belongs to the connection. */
const RESERVED = new RegExp(
  "^(host|content-.*|transfer-encoding|connection|keep-alive|upgrade|te|trailer|expect|accept-encoding|proxy-.*" +
    "|idempotency-key|traceparent|tracestate" +
    "|x-(run-id|job-id|attempt|workflow-run-id|step-ref|previous-error|run-token))$",
  "i",
);

/** Extra headers of a job's calls. */
export const requestHeaders = map(z.string(), 20, "too many headers (max 20)").superRefine((headers, context) => {
  const complain = (message: string, path: string[] = []) =>
    context.addIssue({ code: "custom", message, path, ...(path.length === 0 && sentence(message)) });
  const names = Object.keys(headers);
  for (const name of names) {
    if (!TOKEN.test(name)) complain("must be named by letters, digits and -", [name]);
    else if (RESERVED.test(name)) complain("is set by the server", [name]);
    if (!VALUE.test(headers[name] ?? "")) complain("must be at most 1024 printable ASCII characters", [name]);
  }
  if (new Set(names.map((name) => name.toLowerCase())).size < names.length) complain("headers must not repeat a name");
  if (Object.entries(headers).flat().join("").length > MAX_TOGETHER)
    complain(`headers must have at most ${MAX_TOGETHER} characters together`);
});
