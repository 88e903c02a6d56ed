import { randomUUID } from "node:crypto";
import { STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import { Problem } from "../errors.ts";
import { written } from "./answer.ts";
import { answerOf } from "./problems.ts";

/** A request that Node could not read, so that no middleware ever sees it; a server's "clientError" listener. */
export function answerClientError(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (error.code === "ECONNRESET" || !socket.writable) {
    socket.destroy();
    return;
  }
  const tooLong = error.code === "HPE_HEADER_OVERFLOW";
  const problem = new Problem(
    "validation_error",
    tooLong ? "request line and headers are too long" : "malformed HTTP request",
  );
  const requestId = randomUUID();
  const { status, headers, text } = written(answerOf(problem, requestId), requestId);
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    "Connection: close",
  ];
  socket.end(`${head.join("\r\n")}\r\n\r\n${text}`);
}
