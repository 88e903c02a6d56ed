import type { Logger } from "pino";
import type { TracingConfig } from "../config/tracing.ts";
import type { IsSampled } from "./new-run.ts";
import { openOtlp, type Otlp } from "./otlp.ts";
import { RequestSpans } from "./request-spans.ts";
import type { RunTrace } from "../../workflows/engine/plan.ts";

/** What a process has while traces are on. */
export interface Tracing extends Pick<Otlp, "export" | "placeOf"> {
  isSampled: IsSampled;
  requests: RequestSpans;
  stop(): Promise<void>;
}

/** `findTraces`: in which traces runs are. */
export async function openTracing(
  config: TracingConfig,
  findTraces: (runIds: string[]) => Promise<Map<string, RunTrace>>,
  log: Logger,
): Promise<Tracing> {
  const otlp = await openOtlp(config, log);
  const requests = new RequestSpans(otlp.isSampled, otlp.export, findTraces, log);
  return {
    ...otlp,
    requests,
    async stop() {
      await requests.stop();
      await otlp.close();
    },
  };
}
