import express, { type Express } from "express";
import type { Logger } from "pino";
import type { Config } from "../config.ts";
import { Problem } from "../errors.ts";
import { send } from "./answer.ts";
import { cors } from "./cors.ts";
import { answerProblems, HEADERS } from "./problems.ts";
import { logRequests } from "./requests/request-log.ts";
import { requestId } from "./requests/request-id.ts";
import { ALIVE, notReady } from "../queries/readiness.ts";

/** Answers while the process waits for what it needs: that it lives, for what it waits, and to all else to come again. */
export function createStartingApp(
  { corsOrigins }: Pick<Config, "corsOrigins">,
  log: Logger,
  awaited: () => string | undefined,
): Express {
  const app = express();
  app.disable("x-powered-by");
  app.use(requestId, logRequests(log));
  if (corsOrigins.length > 0) app.use(cors(corsOrigins));
  app.get("/health", (_request, response) => send(response, { body: ALIVE }));
  app.get("/health/ready", (_request, response) =>
    send(response, { status: 503, headers: HEADERS.unavailable, body: notReady("api", awaited()) }),
  );
  app.use(() => {
    throw new Problem("unavailable", "this process has not started yet: what it needs cannot be reached, try again");
  });
  app.use(answerProblems);
  return app;
}
