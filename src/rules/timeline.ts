import { partitionPoint } from "../../workflows/engine/partition-point.ts";

/** A step that has begun, from its start up to its end, or up to now. In milliseconds. */
export interface Span {
  step_ref: string;
  start: number;
  end: number;
  isOver: boolean;
}

export interface Place {
  /** What ran at the same time, in order. */
  parallel_with: string[];
  /** Nothing that ran at the same time ended later. */
  on_critical_path: boolean;
  /** Since the end of the last one before it in the list that is over. */
  wait_ms: number;
}

/** How many names a timeline has in all. Of a thousand steps at once, each would name a thousand. */
const MOST_NAMES = 100_000;

/** In the order in which they began; at the same time, by name. Each names at least the first few that ran beside it. */
export function timelineOf<Of extends Span>(spans: Of[]): (Of & Place)[] {
  const most = Math.max(10, Math.floor(MOST_NAMES / spans.length));
  const listed = spans.toSorted((a, b) => a.start - b.start || (a.step_ref < b.step_ref ? -1 : 1));
  const ending = listed.toSorted((a, b) => a.end - b.end);
  const open = new Set<Span>();
  const latestEnds = runningMaximum(listed.map(({ end }) => end));
  let ended = 0;
  let lastEnd: number | undefined;
  return listed.map((span, i) => {
    for (let next = ending[ended]; next && next.end <= span.start; next = ending[++ended]) open.delete(next);
    const begunBefore = partitionPoint(listed.length, (at) => (listed[at] as Span).start < span.end);
    const beside = parallelTo(span, [open, listed.slice(i + 1, Math.min(begunBefore, i + 1 + most))], most);
    open.add(span);
    const wait_ms = lastEnd === undefined ? 0 : Math.max(0, span.start - lastEnd);
    if (span.isOver) lastEnd = span.end;
    const on_critical_path = (latestEnds[begunBefore - 1] ?? span.end) <= span.end;
    return { ...span, parallel_with: beside, on_critical_path, wait_ms };
  });
}

function parallelTo(span: Span, candidates: Iterable<Span>[], most: number): string[] {
  const refs: string[] = [];
  for (const some of candidates) {
    for (const { step_ref, start, end } of some) {
      if (refs.length === most) return refs;
      if (start < span.end && span.start < end) refs.push(step_ref);
    }
  }
  return refs;
}

function runningMaximum(values: number[]): number[] {
  let most = Number.NEGATIVE_INFINITY;
  return values.map((value) => (most = Math.max(most, value)));
}
