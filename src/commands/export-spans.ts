import type { Deps } from "../deps.ts";
import { deleteExported, forgetSpans, giveBackSpans, takeSpans } from "../store/ended-spans.ts";
import { listEndpoints } from "../store/jobs.ts";
import { repeating } from "../time/repeating.ts";
import { spans } from "../topics.ts";
import { outageLine } from "../tracing/outage-line.ts";
import { type EndedSpan, serverOf } from "../tracing/span.ts";
import type { Tracing } from "../tracing/tracing.ts";

const EVERY_MS = 1_000;
/** After the collector has not answered. */
const AGAIN_MS = 5_000;
const FORGET_EVERY_MS = 60_000;
const ENOUGH_AT_ONCE = 1_024;

/**
 * Exports the spans of runs, until `stop`. Every worker does, whoever wrote them: it may have died since. While one has some in hand,
 * the others rest.
 */
export function exportingSpans(deps: Deps, tracing: Tracing) {
  let forgetAt = Date.now() + FORGET_EVERY_MS;
  const outage = outageLine(deps.log, "spans wait to be exported", "spans are exported again");
  return repeating(async () => {
    try {
      if (Date.now() > forgetAt) {
        forgetAt = Date.now() + FORGET_EVERY_MS;
        await dropSpans(deps);
      }
      const count = await exportSome(deps, tracing);
      // Without any, another worker may have them in hand.
      if (count > 0) outage.ended();
      return count >= ENOUGH_AT_ONCE ? 0 : EVERY_MS;
    } catch (err) {
      outage.began(err);
      return AGAIN_MS;
    }
  });
}

/** Keeps within their bounds what no collector has taken. */
export async function dropSpans({ db, log }: Deps): Promise<void> {
  const count = await forgetSpans(db);
  if (count === 0) return;
  spans.publish({ outcome: "dropped", count });
  log.warn({ count }, "spans are lost: no collector has taken them in time");
}

async function exportSome({ db }: Deps, tracing: Tracing): Promise<number> {
  const taken = await takeSpans(db, ENOUGH_AT_ONCE);
  const { length } = taken.spans;
  if (length === 0) return 0;
  try {
    await tellServers(db, taken.spans);
    await tracing.export(taken.spans);
  } catch (error) {
    await giveBackSpans(db);
    throw error;
  }
  await deleteExported(db, taken);
  return length;
}

/** Which server each attempt has called. */
async function tellServers(db: Deps["db"], spans: EndedSpan[]): Promise<void> {
  const attempts = spans.filter(({ kind }) => kind === "client");
  const calls = attempts.map(({ attributes, started_at: at }) => ({
    job_id: String(attributes["workflow.job.id"]),
    at,
  }));
  const endpoints = await listEndpoints(db, calls);
  for (const [n, { attributes }] of attempts.entries()) Object.assign(attributes, serverOf(endpoints[n] ?? ""));
}
