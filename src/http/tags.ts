/** The parts of the API, as the document groups its operations. */
export const TAGS = {
  Workflows: "Definitions: DAGs of steps, and what starts a run of one.",
  "Workflow versions": "What workflows were, from one change to the next.",
  "Workflow policies": "What the definitions of a project may not be.",
  "Workflow runs": "Runs, and the verbs that steer them.",
  Steps: "The steps of a run, and the verbs that steer those.",
  Approvals: "Gates that wait for somebody's decision.",
  Webhooks: "Who is told what becomes of runs and approvals.",
  "Bulk operations": "One verb for many runs.",
  Jobs: "The HTTP endpoints that steps call.",
  "Job runs": "The calls of those endpoints.",
  Events: "What steps wait for.",
  Service: "The API itself.",
} as const;
export type Tag = keyof typeof TAGS;
