import type { Wait } from "../engine/reasons/reason.ts";
import { waitOf } from "../engine/reasons/waits.ts";
import { escalated, listed, wordsOf } from "../engine/reasons/words.ts";
import type { Run } from "../engine/run.ts";
import type { StepOf } from "../engine/steps/kind.ts";
import { ofStep } from "../engine/steps/of-step.ts";
import type { Standing } from "./standing.ts";
import { cell, spoken } from "./text.ts";

/** So many are told; the others are counted. */
const TOLD = 20;

/** What is open or has failed, a line of Markdown a step: what waits for someone first. `mostRunning`: of those that just run. */
export function openSteps(run: Run, { waits, failed, retries, runs }: Standing, mostRunning: number): string[] {
  const all = [...waits, ...failed, ...retries, ...runs.slice(0, mostRunning)];
  const lines = all.slice(0, TOLD).map((i) => `- ${toldOf(run, i)}`);
  return all.length > TOLD ? [...lines, `- and ${all.length - TOLD} more`] : lines;
}

function toldOf(run: Run, i: number): string {
  const of = ofStep(run, i);
  if (!of) return "";
  return `**${cell(of.definition.step_ref)}**: ${of.step.status === "failed" ? failure(of) : openWords(of, waitOf(run, i))}`;
}

const failure = ({ step: { finished_at, error = "" } }: StepOf): string =>
  `failed${at("at", finished_at)}${error && `: ${cell(error)}`}`;

function openWords({ definition, step }: StepOf, wait: Wait | undefined): string {
  const since = at("since", step.started_at);
  if (!wait) {
    const child = definition.step_type === "job" ? "" : ` sub-workflow ${step.child_run_id ?? ""}`;
    return `runs${child}${since}${step.attempt > 1 ? `, attempt ${step.attempt}` : ""}`;
  }
  if (isAwaited(wait)) return `${awaited(wait, cell)}${since}${progress(wait)}${at(", until", wait.until)}`;
  return `${cell(wordsOf(wait))}${step.last_failure ? `, after ${cell(step.last_failure.error)}` : ""}`;
}

type Awaited = Extract<Wait, { reason: "approval" | "event" | "sleep" }>;

export const isAwaited = (wait: Wait): wait is Awaited =>
  wait.reason === "approval" || wait.reason === "event" || wait.reason === "sleep";

/** What an open gate, wait or sleep waits for, without its times. `shown`: texts of users, as they are to be shown. */
export function awaited(wait: Awaited, shown: (text: string) => string = (text) => text): string {
  switch (wait.reason) {
    case "approval":
      return `waits for ${wait.approvers.length > 0 ? listed(wait.approvers.map(shown)) : "anyone"}`;
    case "event":
      return wait.event_key === undefined ? "registers its event" : `waits for event ${shown(wait.event_key)}`;
    case "sleep":
      return "sleeps";
  }
}

function progress(wait: Wait): string {
  if (wait.reason !== "approval") return "";
  const votes = wait.required === undefined ? "" : `, ${wait.approved ?? 0} of ${wait.required} approved`;
  return votes + escalated(wait.level);
}

const at = (word: string, ms: number | undefined): string =>
  ms === undefined ? "" : `${word.startsWith(",") ? "" : " "}${word} ${spoken(ms)}`;
