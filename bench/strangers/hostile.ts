const MEGABYTE = 1_048_576;

/** Bodies of the size that a request may have, each meant to take long to refuse. WORKFLOW in a path is a workflow's id. */
export const HOSTILE_DOCUMENTS: { name: string; path: string; body: string }[] = [
  { name: "escaped quotes", path: "/v1/workflows", body: `"${'\\"'.repeat((MEGABYTE - 10) / 2)}` },
  { name: "deep", path: "/v1/workflows", body: "[".repeat(MEGABYTE - 10) },
  {
    name: "80,000 tags",
    path: "/v1/workflows/WORKFLOW/trigger",
    body: JSON.stringify({ tags: Object.fromEntries(Array.from({ length: 80_000 }, (_, i) => [`t${i}`, i])) }),
  },
  {
    name: "450,000 wrong members",
    path: "/v1/workflow-runs/bulk-cancel",
    body: JSON.stringify({ workflow_run_ids: Array(450_000).fill(1) }),
  },
  {
    name: "hostile patterns",
    path: "/v1/workflows",
    body: JSON.stringify(definitionOf(60, "(a?){1000}a{1000}", "a".repeat(15_000))),
  },
];

/** Of conditions, as much as a definition may have, with the pattern whose search takes longest of those we know. */
export const largestConditions = () => definitionOf(27, "(.*a.*b.*){8}[xy]", "ab".repeat(450));

function definitionOf(steps: number, pattern: string, text: string) {
  const slug = `patterns-${steps}`;
  return {
    ...{ project_id: "stranger", name: slug, slug },
    steps: Array.from({ length: steps }, (_, i) => ({
      ...{ step_ref: `s${i}`, step_type: "sleep", sleep_duration_secs: 3600 },
      condition: { type: "not", condition: { type: "regex", left: text, right: `^(?:${pattern})$` } },
    })),
  };
}
