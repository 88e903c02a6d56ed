import {
  defineSearchAttributeKey,
  type SearchAttributePair,
  SearchAttributeType,
  type SearchAttributeUpdatePair,
} from "@temporalio/common";
import type { RunStatus } from "../../src/contract/runs.ts";
import type { RunHeader } from "../engine/plan.ts";
import type { Run } from "../engine/run.ts";
import { failedStepOf } from "./failed-step.ts";
import type { Standing } from "./standing.ts";
import { beginning } from "./text.ts";

const { KEYWORD, KEYWORD_LIST } = SearchAttributeType;

/** How operators find runs in the Temporal Web UI. A visibility store in SQL has room for ten keywords and three lists. */
export const PROJECT_ATTRIBUTE = defineSearchAttributeKey("Project", KEYWORD);
/** Its slug. Runs that were begun before version 2 of the rules have its id there. */
export const DEFINITION_ATTRIBUTE = defineSearchAttributeKey("Definition", KEYWORD);
const STATUS_ATTRIBUTE = defineSearchAttributeKey("RunStatus", KEYWORD);
const REQUESTER_ATTRIBUTE = defineSearchAttributeKey("Requester", KEYWORD);
const FAILED_STEP_ATTRIBUTE = defineSearchAttributeKey("FailedStep", KEYWORD);
const WAITING_ON_ATTRIBUTE = defineSearchAttributeKey("WaitingOn", KEYWORD_LIST);

export const SEARCH_ATTRIBUTES = [
  PROJECT_ATTRIBUTE,
  DEFINITION_ATTRIBUTE,
  STATUS_ATTRIBUTE,
  REQUESTER_ATTRIBUTE,
  FAILED_STEP_ATTRIBUTE,
  WAITING_ON_ATTRIBUTE,
];

/** Characters of a keyword, in a store in SQL. */
const KEYWORD_LENGTH = 255;
/** A value may have 2 KiB, and a character three bytes. */
const MOST_WAITS = 10;
const WAITS_LENGTH = 600;

const keyword = (text: string): string => beginning(text, KEYWORD_LENGTH);

/** Those that a run begins with. */
export const firstAttributes = (run: RunHeader, slug: string): SearchAttributePair[] => [
  { key: PROJECT_ATTRIBUTE, value: keyword(run.project_id) },
  { key: DEFINITION_ATTRIBUTE, value: keyword(slug) },
  { key: STATUS_ATTRIBUTE, value: "running" },
  ...(run.created_by ? [{ key: REQUESTER_ATTRIBUTE, value: keyword(run.created_by) }] : []),
];

/** Those that change. */
export interface Listed {
  status: RunStatus;
  waitingOn: string[];
  failedStep?: string;
}

/** By rules before 2 the status alone: each time that they change is an event of the history. */
export function listedOf(run: Run, standing: Standing): Listed {
  const { plan, state } = run;
  if ((plan.run.rules ?? 0) < 2) return { status: state.status, waitingOn: [] };
  const waitingOn = standing.waits.slice(0, MOST_WAITS).map((i) => keyword(plan.steps[i]?.step_ref ?? ""));
  while (waitingOn.join("").length > WAITS_LENGTH) waitingOn.pop();
  const failedStep = failedStepOf(run, standing.failed)?.step_ref;
  return { status: state.status, waitingOn, failedStep: failedStep && keyword(failedStep) };
}

/** What has to be sent where `before` is shown. */
export function changedAttributes(before: Listed, now: Listed): SearchAttributeUpdatePair[] {
  const changed: SearchAttributeUpdatePair[] = [];
  if (now.status !== before.status) changed.push({ key: STATUS_ATTRIBUTE, value: now.status });
  if (now.waitingOn.join("\n") !== before.waitingOn.join("\n"))
    changed.push({ key: WAITING_ON_ATTRIBUTE, value: now.waitingOn.length > 0 ? now.waitingOn : null });
  if (now.failedStep !== before.failedStep) changed.push({ key: FAILED_STEP_ATTRIBUTE, value: now.failedStep ?? null });
  return changed;
}
