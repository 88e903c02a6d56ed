import { TypedSearchAttributes } from "@temporalio/common";
import type { RunHeader } from "../engine/plan.ts";
import { firstAttributes } from "./search-attributes.ts";
import { readable } from "./readable.ts";
import { clipped, escaped, SUMMARY_LENGTH } from "./text.ts";

/** What the run's version says of itself. */
export interface Definition {
  slug: string;
  description?: string;
}

const MOST_DESCRIPTION = 2_000;
const MOST_KEYS = 20;
const KEY_LENGTH = 60;

/** What a run shows in the Temporal Web UI from its beginning on. The summary is one line of Markdown there, the details are Markdown. */
export const webUiHeaders = (run: RunHeader, definition: Definition | undefined) => ({
  staticSummary: `${clipped(run.workflow_name.replace(/\s+/g, " "), SUMMARY_LENGTH)} v${run.workflow_version}`,
  staticDetails: details(run, definition?.description ?? ""),
  // The worker knows the definition by this. A slug may be given to another one.
  memo: { definition_id: run.workflow_id },
  typedSearchAttributes: new TypedSearchAttributes(firstAttributes(run, definition?.slug ?? run.workflow_id)),
});

const details = (run: RunHeader, description: string): string =>
  [
    ...(description ? [escaped(clipped(description, MOST_DESCRIPTION)), ""] : []),
    `- payload: ${payloadKeys(run)}`,
    `- requested by ${escaped(run.created_by ?? "nobody known")}, in project ${escaped(run.project_id)}`,
    `- in the API: \`/v1/workflow-runs/${run.id}\`, \`/v1/workflow-runs/${run.id}/steps\`, \`/v1/workflows/${run.workflow_id}\``,
  ].join("\n");

function payloadKeys({ payload }: RunHeader): string {
  if (!payload) return "none";
  if (!("text" in payload)) return "a large document";
  const value = readable(payload.text);
  if (typeof value !== "object" || value === null || Array.isArray(value)) return "no object";
  const keys = Object.keys(value);
  const more = keys.length - MOST_KEYS;
  const named = keys.slice(0, MOST_KEYS).map((key) => escaped(clipped(key, KEY_LENGTH)));
  return named.join(", ") + (more > 0 ? ` and ${more} more` : "") || "{}";
}
