import { BEGIN, HEADER } from "./shapes.ts";
import { decide } from "../../workflows/engine/decide.ts";
import type { RunEvent } from "../../workflows/engine/events.ts";
import { evolve } from "../../workflows/engine/evolve.ts";
import { takeUnmirrored } from "../../workflows/engine/mirror/mirroring.ts";
import { planOf, type PlanStep } from "../../workflows/engine/plan.ts";
import { initialRun, type Run } from "../../workflows/engine/run.ts";
import { isRunOver } from "../../workflows/engine/transitions.ts";
import { workOf } from "../../workflows/engine/steps/work.ts";

const OUTPUT = { text: '{"ok":true}' };

/**
 * One run from beginning to end as workflows/run/run.ts plays it, where every job answers at once and every answer comes
 * alone: evolve by it, decide what is next, look what is to go on, hand the changed rows to a mirror write.
 */
export function play(steps: PlanStep[]): { run: Run; events: number } {
  const run = initialRun(planOf(HEADER, steps));
  const answers: RunEvent[] = [];
  let events = 0;
  const hear = (event: RunEvent) => {
    evolve(run, event);
    events++;
  };
  // The first turn has no answer yet.
  for (let answered = 0; ; answered++) {
    const at = BEGIN + events;
    for (let next = decide(run); next; next = decide(run)) hear({ ...next, at });
    for (const step of run.touched) {
      for (const { kind } of workOf(run, step)) {
        const { generation, attempt } = run.state.steps[step] ?? { generation: 0, attempt: 1 };
        if (kind === "dispatch")
          answers.push({ type: "attempt_completed", step, generation, attempt, output: OUTPUT, at });
      }
    }
    run.touched.clear();
    takeUnmirrored(run);
    run.inFlight = undefined;
    const answer = answers[answered];
    if (!answer) break;
    hear(answer);
  }
  if (!isRunOver(run.state.status)) throw new Error("the run hangs");
  return { run, events };
}
