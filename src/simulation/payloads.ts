import type { Documents } from "./documents.ts";
import { tooLarge } from "./limits.ts";
import { renderedKeyProblem } from "../rules/event-key.ts";
import { documentsOf, renderedKey, renderedPayload } from "../rules/rendering.ts";
import { renderedGate } from "../rules/gate-contents.ts";
import { parseJson } from "../contract/json.ts";
import { sourcesOf } from "../../workflows/attempt-input.ts";
import { gateToOpen } from "../../workflows/gate-to-open.ts";
import type { PlanStep } from "../../workflows/engine/plan.ts";
import type { Run } from "../../workflows/engine/run.ts";
import type { RenderedGate } from "../../workflows/engine/state.ts";
import { TemplateError } from "../../workflows/expressions/templates.ts";

/** Of all payloads together, in characters. */
const MOST_RENDERED = 64 * 1_048_576;

/** What steps are given, and the keys of their events, as the run has them rendered. */
export class Payloads {
  readonly #documents: Documents;
  #rendered = 0;

  constructor(documents: Documents) {
    this.#documents = documents;
  }

  /** The text of its payload; or why it can't be made. */
  payloadOf(run: Run, i: number): { text: string } | { problem: string } {
    const sources = sourcesOf(run, i);
    try {
      const text = renderedPayload(sources, this.#documents.valueIn) ?? "{}";
      this.#count(text.length);
      return { text };
    } catch (error) {
      if (!(error instanceof TemplateError)) throw error;
      this.#count(documentsOf(sources).reduce((sum, one) => sum + this.#documents.textOf(one).length, 0));
      return { problem: error.message };
    }
  }

  /** A gate as it opens. */
  gateOf(run: Run, i: number): RenderedGate | { problem: string } {
    const { gate, sources } = gateToOpen(run, i);
    try {
      const { shown, ...rendered } = renderedGate(gate, sources, this.#documents.valueIn);
      this.#count(shown?.length ?? 0);
      return shown === undefined ? rendered : { ...rendered, shown: this.#documents.keep(parseJson(shown)) };
    } catch (error) {
      if (error instanceof TemplateError) return { problem: error.message };
      throw error;
    }
  }

  keyOf(run: Run, i: number, field: "event_key" | "event_emit_key"): { key: string } | { problem: string } {
    const template = (run.plan.steps[i] as PlanStep)[field] ?? "";
    try {
      const key = renderedKey(template, sourcesOf(run, i), this.#documents.valueIn);
      const problem = renderedKeyProblem(key);
      return problem === undefined ? { key } : { problem };
    } catch (error) {
      if (error instanceof TemplateError) return { problem: error.message };
      throw error;
    }
  }

  #count(characters: number): void {
    this.#rendered += characters;
    if (this.#rendered > MOST_RENDERED)
      throw tooLarge(`the payloads of its steps are together more than ${MOST_RENDERED} characters`);
  }
}
