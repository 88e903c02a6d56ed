import { JsonText, parseJson, type JsonDoc } from "../contract/json.ts";
import type { Approval } from "../contract/runs.ts";
import type { Deps } from "../deps.ts";
import { shownDocuments } from "./shown-documents.ts";
import { unlessEmpty } from "./unless-empty.ts";
import { shownTime } from "./shown-time.ts";
import { shownHash } from "../../workflows/engine/gates/shown.ts";
import type { ApprovalRow } from "../../workflows/engine/mirror/rows.ts";
import type { ApprovalState, Vote } from "../../workflows/engine/state.ts";
import { rfc3339 } from "../../workflows/engine/time.ts";

export async function presentApproval(deps: Deps, row: ApprovalRow): Promise<Approval> {
  const [approval] = await presentApprovals(deps, [row]);
  return approval as Approval;
}

/** As many of them, from the first one on, as one answer has room for. */
export async function presentApprovals({ db }: Deps, rows: ApprovalRow[]): Promise<Approval[]> {
  const { texts, fitting } = await gateTexts(db, rows);
  return rows.slice(0, fitting).map((row) => ({
    id: row.id,
    workflow_run_id: row.run_id,
    workflow_step_run_id: row.step_run_id,
    approvers: row.approvers,
    required: row.required,
    ...presentGate(row, row.attempt, texts),
  }));
}

/** What a gate has become, or was at an earlier attempt, as those who decided it saw it. `texts`: of its documents. */
export function presentGate(gate: Gate, attempt: number | undefined, texts: Texts) {
  return {
    status: gate.status,
    approved_by: gate.approved_by,
    requested_at: rfc3339(gate.requested_at),
    approved_at: shownTime(gate.approved_at),
    expires_at: shownTime(gate.expires_at),
    error: gate.error || undefined,
    step_attempt: attempt,
    shown_hash: attempt === undefined ? undefined : shownHash(attempt, gate.shown_hash),
    ...(gate.shown && membersOf(texts(gate.shown))),
    option: gate.option,
    ...presentVoices(gate, texts),
    ...presentTurns(gate),
  };
}

type Gate = Omit<ApprovalState, "approvers">;

/** The text of a document; undefined where the answer had no room for it. */
type Texts = (document: JsonDoc) => string | undefined;

/** The documents of gates, with how many of these, from the first one on, have room in one answer. */
export async function gateTexts(
  db: Deps["db"],
  gates: (Gate | undefined)[],
): Promise<{ texts: Texts; fitting: number }> {
  const documents = gates.flatMap((gate, of) => documentsOf(gate).map((document) => ({ document, of })));
  const { found, leftOut } = await shownDocuments(
    db,
    documents.map(({ document }) => document),
  );
  const byDocument = new Map(documents.map(({ document }, n) => [document, found[n]?.text]));
  const first = leftOut[0] === undefined ? undefined : documents[leftOut[0]]?.of;
  return { texts: (document) => byDocument.get(document), fitting: Math.max(1, first ?? gates.length) };
}

const documentsOf = (gate: Gate | undefined): JsonDoc[] =>
  [gate?.shown, ...(gate?.votes ?? []).map(({ output }) => output)].filter((document) => document !== undefined);

type Members = Pick<Approval, "title" | "text" | "payload" | "links" | "form" | "options">;

/** Numbers in its payload keep their digits. */
function membersOf(text: string | undefined): Members {
  const { payload, form, ...members } = (text === undefined ? {} : parseJson(text)) as Members;
  return { ...members, payload: payload ?? undefined, form };
}

/** What has become of a gate while nobody decided it. */
function presentTurns({ reassignments, extensions, ...gate }: Gate) {
  return {
    escalation_level: gate.escalation_level,
    escalated_at: shownTime(gate.escalated_at),
    reminders: gate.reminders,
    reminded_at: shownTime(gate.reminded_at),
    reassignments: reassignments?.map(({ dropped, ...one }) => ({
      ...dated(one),
      dropped: dropped?.map(({ output: _, ...vote }) => dated(vote)),
    })),
    extensions: extensions?.map(({ until, ...one }) => ({ ...dated(one), until: rfc3339(until) })),
  };
}

/** What was said to a gate. A single vote that decided it says no more than `approved_by`. */
function presentVoices({ status, votes = [], comments = [] }: Gate, texts: Texts) {
  const [first] = votes;
  const isKnown = votes.length === 1 && status !== "pending" && !first?.as && !first?.comment;
  return {
    votes: isKnown ? undefined : unlessEmpty(votes.map((vote) => presentVote(vote, texts))),
    comments: unlessEmpty(comments.map(dated)),
  };
}

function presentVote({ output, ...vote }: Vote, texts: Texts) {
  const text = output && texts(output);
  return { ...dated(vote), output: text === undefined ? undefined : new JsonText(text) };
}

const dated = <Said extends { at: number }>({ at, ...said }: Said) => ({ ...said, at: rfc3339(at) });
