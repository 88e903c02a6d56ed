import { randomBytes } from "node:crypto";
import type { Logger } from "pino";
import type { RequestScope, RequestTrace } from "../request-scope.ts";
import type { IsSampled } from "./new-run.ts";
import { attributesOf, type EndedSpan, userOf } from "./span.ts";
import { spans as told } from "../topics.ts";
import { runSpanId } from "../../workflows/engine/ids.ts";
import type { RunTrace } from "../../workflows/engine/plan.ts";

const EVERY_MS = 1_000;
const MOST_AT_ONCE = 512;
/** A collector that is away costs no more memory than these. */
const MOST_WAITING = 2_048;
/** How often the log says how many are lost. */
const TOLD_EVERY_MS = 60_000;

/** A request that was answered. */
export interface AnsweredRequest {
  scope: RequestScope;
  trace: RequestTrace;
  method: string;
  route: string | undefined;
  status: number;
  began: number;
  ended: number;
  actor: string | undefined;
  project: string | undefined;
}

type FindTraces = (runIds: string[]) => Promise<Map<string, RunTrace>>;

const isCommand = (method: string) => method !== "GET" && method !== "HEAD";

/** The spans of requests, until they are exported: in memory, since a request leaves nothing else behind. */
export class RequestSpans {
  readonly #isSampled: IsSampled;
  readonly #export: (spans: EndedSpan[]) => Promise<void>;
  readonly #findTraces: FindTraces;
  readonly #log: Pick<Logger, "warn">;
  readonly #timer: NodeJS.Timeout;
  #waiting: AnsweredRequest[] = [];
  #isAway = false;
  #lost = 0;
  #toldAt = 0;
  #exporting: Promise<void> | undefined;

  constructor(
    isSampled: IsSampled,
    send: (spans: EndedSpan[]) => Promise<void>,
    findTraces: FindTraces,
    log: Pick<Logger, "warn">,
  ) {
    this.#isSampled = isSampled;
    this.#export = send;
    this.#findTraces = findTraces;
    this.#log = log;
    // Not by the first request: what is said later would be said for it.
    this.#timer = setInterval(() => void this.flush(), EVERY_MS).unref();
  }

  add(request: AnsweredRequest): void {
    if (this.#waiting.length >= MOST_WAITING) {
      this.#lose(1);
      return;
    }
    this.#waiting.push(request);
  }

  /** Never rejects. */
  async flush(): Promise<void> {
    if (Date.now() > this.#toldAt + TOLD_EVERY_MS) this.#tellOfLost();
    this.#exporting ??= this.#exportAll().finally(() => {
      this.#exporting = undefined;
    });
    await this.#exporting;
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.flush();
    this.#lose(this.#waiting.splice(0).length);
    this.#tellOfLost();
  }

  #lose(count: number): void {
    this.#lost += count;
    if (count > 0) told.publish({ outcome: "dropped", count });
  }

  #tellOfLost(): void {
    if (this.#lost > 0) this.#log.warn({ count: this.#lost }, "spans are lost: no collector has taken them in time");
    this.#lost = 0;
    this.#toldAt = Date.now();
  }

  async #exportAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.slice(0, MOST_AT_ONCE);
      try {
        // Before the database answers nobody knows in which trace the run is. A span in the wrong one would be worse than a late one.
        const ofCommands = batch.flatMap(({ method, scope }) => (isCommand(method) ? (scope.run ?? []) : []));
        const traces = await this.#findTraces([...new Set(ofCommands)]);
        const spans = batch.flatMap((request) => this.#spanOf(request, traces.get(request.scope.run ?? "")) ?? []);
        if (spans.length > 0) await this.#export(spans);
      } catch (err) {
        if (!this.#isAway) this.#log.warn({ err }, "spans wait to be exported");
        this.#isAway = true;
        return;
      }
      this.#isAway = false;
      this.#waiting.splice(0, batch.length);
    }
  }

  /**
   * In the trace that came with it, else in that of the run that it has made. A command without a trace of its own is told within
   * the run that it was for.
   */
  #spanOf(request: AnsweredRequest, ofRun: RunTrace | undefined): EndedSpan | undefined {
    const { scope, trace, method, route, status, actor, project } = request;
    const { parent, state, span_id } = trace;
    const run =
      isCommand(method) && ofRun && scope.run !== undefined ? { ...ofRun, span_id: runSpanId(scope.run) } : undefined;
    const within = parent ?? (trace.trace_id === undefined ? run : undefined);
    const trace_id = within?.trace_id ?? trace.trace_id ?? randomBytes(16).toString("hex");
    const isSampled = within ? this.#isSampled(trace_id, within.sampled) : this.#isSampled(trace_id);
    if (!isSampled) return undefined;
    const isElsewhere = run && run.trace_id !== trace_id;
    return {
      ...{ trace_id, span_id, parent_span_id: within?.span_id, state },
      kind: "server",
      name: route === undefined ? method : `${method} ${route}`,
      started_at: request.began,
      ended_at: request.ended,
      attributes: attributesOf({
        "error.type": status >= 500 ? String(status) : undefined,
        "http.request.method": method,
        "http.route": route,
        "http.response.status_code": status,
        "workflow.request.id": scope.request_id,
        "workflow.run.id": scope.run,
        "workflow.step.ref": scope.step,
        "workflow.project": project,
        ...userOf(actor),
      }),
      ...(isElsewhere && { links: [{ trace_id: run.trace_id, span_id: run.span_id }] }),
    };
  }
}
