import { describe, expect, test } from "vitest";
import { BULK_WORKFLOW_TYPE } from "../../workflows/bulk/messages.ts";
import { SWEEP_WORKFLOW_TYPE } from "../../workflows/retention/messages.ts";
import { DELIVERY_WORKFLOW_TYPE } from "../../workflows/webhooks/messages.ts";
import * as workflows from "../../workflows/index.ts";
import { webUiHeaders } from "../../workflows/web-ui/headers.ts";
import { workflowTypeOf } from "../../workflows/web-ui/workflow-type.ts";
import { text } from "../engine/given.ts";
import { job, planWith } from "../engine/plans.ts";

const bytes = (value: unknown) => Buffer.byteLength(JSON.stringify(value));

describe("what a run begins with", () => {
  const header = planWith([job("a")], { created_by: "ada" }).run;

  test("is its definition's name and version, its description, and the keys of its payload", () => {
    const run = { ...header, payload: text({ order: 7, "a|b": 1 }) };
    const { staticSummary, staticDetails, memo } = webUiHeaders(run, { slug: "train", description: "To *production*" });
    expect(staticSummary).toBe("release train v1");
    expect(staticDetails.split("\n")).toEqual([
      "To \\*production\\*",
      "",
      "- payload: order, a\\|b",
      "- requested by ada, in project demo",
      `- in the API: \`/v1/workflow-runs/${run.id}\`, \`/v1/workflow-runs/${run.id}/steps\`, \`/v1/workflows/${run.workflow_id}\``,
    ]);
    expect(memo).toEqual({ definition_id: run.workflow_id });
  });

  test("is never more than the server takes", () => {
    const keys = Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`${"€".repeat(300)}${i}`, i]));
    const run = { ...header, workflow_name: "€".repeat(255), payload: text(keys) };
    const { staticSummary, staticDetails } = webUiHeaders(run, { slug: "€", description: "€".repeat(4096) });
    expect(bytes(staticSummary)).toBeLessThanOrEqual(400);
    expect(bytes(staticDetails)).toBeLessThanOrEqual(20_000);
    expect(staticDetails).toContain("and 480 more");
  });

  test.each([
    [undefined, "none"],
    [text([1]), "no object"],
    [text({}), "{}"],
    [{ ref: "x" }, "a large document"],
    [{ text: "{no" }, "no object"],
  ])("says of the payload %j: %s", (payload, told) => {
    expect(webUiHeaders({ ...header, payload }, undefined).staticDetails).toContain(`- payload: ${told}\n`);
  });
});

describe("the workflow type is the definition's slug", () => {
  test.each(["order", "workflowRun", "default", "Größe 1", "__esModule"])("%s", (slug) => {
    expect(workflowTypeOf(slug)).toBe(slug);
  });

  test("and never leads to another workflow, nor to what every object has", () => {
    const others = Object.entries(workflows).filter(([, workflow]) => workflow !== workflows.workflowRun);
    expect(others.map(([name]) => name)).toEqual([BULK_WORKFLOW_TYPE, SWEEP_WORKFLOW_TYPE, DELIVERY_WORKFLOW_TYPE]);
    for (const name of [...others.map(([other]) => other), ...Object.getOwnPropertyNames(Object.prototype)]) {
      expect(workflowTypeOf(name)).toBe(`workflow:${name}`);
      expect(workflowTypeOf(name) in { ...workflows }).toBe(false);
    }
  });

  test("what began before it was goes on as it began", () => {
    expect(workflowTypeOf(undefined)).toBe("workflowRun");
  });
});
