import type { MirrorRows } from "../engine/mirror/rows.ts";
import { hasBegun } from "../engine/transitions.ts";
import { clipped, SUMMARY_LENGTH } from "./text.ts";

const MOST_STEPS = 10;

/** What a write of the mirror tells, as its name: where its steps are now. */
export function newsOf({ run, steps }: MirrorRows): string {
  const news: string[] = [];
  for (const step of steps) {
    // Others only wait for fewer steps than before.
    if (!hasBegun(step)) continue;
    if (news.length === MOST_STEPS) break;
    news.push(`${step.step_ref} ${step.status}`);
  }
  return clipped(news.join(", ") || `run ${run.status}`, SUMMARY_LENGTH);
}
