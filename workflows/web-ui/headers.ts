import { TypedSearchAttributes } from "@temporalio/common";
import type { RunHeader } from "../engine/plan.ts";
import { DEFINITION_ATTRIBUTE, PROJECT_ATTRIBUTE, STATUS_ATTRIBUTE } from "../messages.ts";

/** What a run shows in lists of the Temporal Web UI. The summary is one line of Markdown there. */
export const webUiHeaders = (run: RunHeader) => ({
  staticSummary: run.workflow_name.replace(/\s+/g, " "),
  typedSearchAttributes: new TypedSearchAttributes([
    { key: PROJECT_ATTRIBUTE, value: run.project_id },
    { key: DEFINITION_ATTRIBUTE, value: run.workflow_id },
    { key: STATUS_ATTRIBUTE, value: "running" },
  ]),
});
