import { randomUUID } from "node:crypto";
import { STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import { Problem } from "../errors.ts";
import { written } from "./answer.ts";
import { answerOf } from "./problems.ts";

/** How long a client may take to read the answer and to close. */
const GOODBYE_MS = 2_000;

const MESSAGES: Record<string, string> = {
  HPE_HEADER_OVERFLOW: "request line and headers are too long",
  ERR_HTTP_REQUEST_TIMEOUT: "request took too long to arrive",
};

const answered = new WeakSet<Duplex>();

/** Answers a request that Node could not read, which no middleware sees: a server's "clientError" listener. */
export function answerClientError(error: NodeJS.ErrnoException, socket: Duplex): void {
  // What else the client sends must not cut off the answer.
  if (answered.has(socket)) return;
  answered.add(socket);
  if (error.code === "ECONNRESET" || !socket.writable) {
    socket.destroy();
    return;
  }
  const problem = new Problem("validation_error", MESSAGES[error.code ?? ""] ?? "malformed HTTP request");
  const requestId = randomUUID();
  const { status, headers, text } = written(answerOf(problem, requestId), requestId);
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    "Connection: close",
  ];
  socket.end(`${head.join("\r\n")}\r\n\r\n${text}`);
  // With bytes left unread, the end becomes a reset, and the answer is lost.
  socket.resume();
  const late = setTimeout(() => socket.destroy(), GOODBYE_MS);
  socket.once("close", () => clearTimeout(late));
}
