import { STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import { v7 as uuid } from "uuid";
import { Problem } from "../errors.ts";
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
  const requestId = uuid();
  const { status, body } = answerOf(problem, requestId);
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    "X-API-Version: v1",
    `X-Request-Id: ${requestId}`,
    "Content-Type: application/json; charset=utf-8",
    `Content-Length: ${Buffer.byteLength(body)}`,
    "Connection: close",
  ];
  socket.end(`${head.join("\r\n")}\r\n\r\n${body}`);
}
