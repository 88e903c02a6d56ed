import { Counter, Histogram, type Registry } from "prom-client";
import { Busiest } from "./busiest.ts";
import { attempts, commands, dispatches, plays, requests, spans, triggers } from "../../topics.ts";

/** Up to the longest request, of 30 s. */
const ANSWERS = [0.005, 0.02, 0.05, 0.1, 0.3, 1, 5, 30];
const CALLS = [0.01, 0.05, 0.1, 0.3, 1, 5, 30, 300];

const MOST_PROJECTS = 100;

/** Counts requests, commands, runs that are asked for, and calls. */
export function countTraffic(registry: Registry): void {
  const registers = [registry];
  const answers = new Histogram({
    name: "workflow_runs_http_request_duration_seconds",
    help: "From a request to its answer",
    labelNames: ["method", "route", "status"],
    buckets: ANSWERS,
    registers,
  });
  requests.subscribe(({ method, route = "none", status, ms }) =>
    answers.observe({ method, route, status }, ms / 1_000),
  );

  const outcomes = new Counter({
    name: "workflow_runs_commands_total",
    help: "Commands with their outcome: applied, accepted, or the code of the refusal",
    labelNames: ["verb", "outcome"],
    registers,
  });
  commands.subscribe(({ verb, outcome }) => outcomes.inc({ verb, outcome }));

  const triggered = new Counter({
    name: "workflow_runs_runs_triggered_total",
    help: "Runs that were accepted, be they begun or not",
    labelNames: ["project"],
    registers,
  });
  const busiest = new Busiest(MOST_PROJECTS, (project) => triggered.remove({ project }));
  triggers.subscribe(({ project }) => triggered.inc({ project: busiest.happens(project) ? project : "other" }));

  const calls = new Histogram({
    name: "workflow_runs_attempt_duration_seconds",
    help: "Attempts of jobs: ok, or the class of their failure",
    labelNames: ["result"],
    buckets: CALLS,
    registers,
  });
  attempts.subscribe(({ result, ms }) => calls.observe({ result }, ms / 1_000));

  const quick = new Counter({
    name: "workflow_runs_quick_attempts_total",
    help: "Attempts in the quick lane: ended there, handed over while their call went on, or left to an activity of their own",
    labelNames: ["outcome"],
    registers,
  });
  const ordinary = new Counter({
    name: "workflow_runs_ordinary_attempts_total",
    help: "Attempts that are, or have become, activities of their own",
    registers,
  });
  plays.subscribe(({ events, interrupted = [], unended }) => {
    const handedOver = unended.filter(({ kind }) => kind === "here" || kind === "slow-here").length;
    quick.inc({ outcome: "ended" }, events.length + interrupted.length);
    quick.inc({ outcome: "handed_over" }, handedOver);
    quick.inc({ outcome: "left" }, unended.length - handedOver);
  });
  dispatches.subscribe(() => ordinary.inc());

  const exports = new Counter({
    name: "workflow_runs_spans_total",
    help: "Spans of traces: exported; failed, to be sent again; dropped, because no collector took them in time",
    labelNames: ["outcome"],
    registers,
  });
  for (const outcome of ["exported", "failed", "dropped"]) exports.inc({ outcome }, 0);
  spans.subscribe(({ outcome, count }) => exports.inc({ outcome }, count));
}
