import type { Express, Request, Response } from "express";
import { ALWAYS } from "../answer.ts";
import { gatePage, messagePage, PAGE_CSP, type ShownGate } from "./page.ts";
import { rawBody } from "../body.ts";
import { answeringProblems, HEADERS, STATUS } from "../problems.ts";
import { type Decision, decideByLink, type Opened, openLink } from "../../commands/links/decide-by-link.ts";
import { parseClientJson } from "../../contract/json.ts";
import { comment, MAX_COMMENT } from "../../contract/verbs.ts";
import type { Deps } from "../../deps.ts";
import { Problem } from "../../errors.ts";
import { startsByOption, startsOf } from "../../queries/approvals/gate-starts.ts";

export const LINK_PATH = "/approve/:token";
/** A comment and the values of a form. */
const MAX_BYTES = 65_536;

const OVER = {
  used: "This link was used.",
  expired: "This link has expired.",
  anew: "This link is of an earlier time: the approval was asked for anew.",
  decided: "This approval is decided.",
  late: "The time for this approval is over.",
  canceled: "This approval was canceled.",
  others: "Others decide this approval by now.",
};

/**
 * The pages behind decision links. Whoever opens one needs no token but the link's. What is wrong is told in a page, which says nothing
 * of the gate.
 */
export function serveApprovals(app: Express, deps: Deps): void {
  app.get(LINK_PATH, async (request, response) => {
    const opened = await openLink(deps, tokenOf(request));
    if (!opened || "over" in opened) return closed(response, opened);
    show(response, 200, gatePage(await shownOf(deps, opened)));
  });
  app.post(LINK_PATH, rawBody(MAX_BYTES), async (request, response) => {
    const opened = await openLink(deps, tokenOf(request));
    if (!opened || "over" in opened) return closed(response, opened);
    try {
      const { decision, ...said } = readForm(request);
      const done = await decideByLink(deps, opened.open, decision, said);
      const text =
        done === "decided" ? "Your decision counts." : "Your decision is stored, and counts once a worker takes it.";
      show(response, done === "decided" ? 200 : 202, messagePage("Thank you", text));
    } catch (error) {
      if (!(error instanceof Problem) || error.code === "unavailable" || error.code === "internal_error") throw error;
      const details = error.details?.filter((detail) => detail !== error.message) ?? [];
      const problem = [error.message, ...details].join("; ");
      const shown = await shownOf(deps, opened);
      show(response, error.code === "conflict" ? 409 : 400, gatePage({ ...shown, ...filledIn(request), problem }));
    }
  });
  app.use(LINK_PATH, answeringProblems(failed));
}

/** Whoever presses a button again after an outage decides once. */
function failed(response: Response, { code, message }: Problem): void {
  response.set(HEADERS[code] ?? {});
  show(response, STATUS[code], messagePage("Not done", `${message[0]?.toUpperCase()}${message.slice(1)}.`));
}

const tokenOf = ({ params }: Request): string => String(params.token);

async function shownOf(deps: Deps, { open }: Extract<Opened, { open: unknown }>): Promise<ShownGate> {
  const { link, gate, run } = open;
  const { step_ref } = link;
  const [[starts = []], byOption] = await Promise.all([
    startsOf(deps, [{ row: { status: "pending", run_id: run.id, step_ref }, run }]),
    gate.options ? startsByOption(deps, run, { step_ref }) : undefined,
  ]);
  return {
    gate,
    person: link.person,
    workflow: run.workflow_name,
    runId: run.id,
    stepRef: step_ref,
    requester: run.created_by,
    isPaused: run.status === "paused",
    starts,
    byOption,
  };
}

const fieldsOf = ({ body }: Request) => new URLSearchParams(Buffer.isBuffer(body) ? body.toString("utf8") : "");

/** Whoever is refused need not write it again. */
function filledIn(request: Request) {
  const fields = fieldsOf(request);
  return { comment: fields.get("comment") ?? undefined, values: fields.get("values") ?? undefined };
}

function readForm(request: Request): {
  decision: Decision;
  comment?: string;
  values?: ReturnType<typeof parseClientJson>;
} {
  const fields = fieldsOf(request);
  const said = { comment: fields.get("comment")?.replace(/\r\n?/g, "\n").trim() || undefined };
  if (!comment.optional().safeParse(said.comment).success)
    throw new Problem("validation_error", `a comment has at most ${MAX_COMMENT} characters, and no control characters`);
  const values = valuesIn(fields.get("values"));
  const option = fields.get("option");
  if (option !== null) return { decision: { verb: "choose", option }, ...said, values };
  const verb = fields.get("decision");
  if (verb === "approve") return { decision: { verb }, ...said, values };
  // A rejection fills in no form.
  if (verb === "reject") return { decision: { verb }, ...said };
  throw new Problem("validation_error", "choose one of the buttons");
}

function valuesIn(text: string | null) {
  if (!text?.trim()) return undefined;
  try {
    return parseClientJson(text);
  } catch {
    throw new Problem("validation_error", "the values are no JSON");
  }
}

function closed(response: Response, opened: Extract<Opened, { over: unknown }> | undefined): void {
  if (opened) show(response, 410, messagePage("Nothing to decide", OVER[opened.over]));
  else show(response, 404, messagePage("Nothing here", "No such link."));
}

function show(response: Response, status: number, html: string): void {
  response.writeHead(status, {
    ...ALWAYS,
    "X-Request-Id": response.locals.requestId,
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": PAGE_CSP,
    "Cache-Control": "no-store",
    "Content-Length": Buffer.byteLength(html),
  });
  response.end(html);
}
