import type { Stack } from "../../stack/harness.ts";

export const releaseBy = (calls: string) => [
  { step_ref: "build", calls },
  {
    step_ref: "gate",
    step_type: "approval",
    approval_approvers: ["ada"],
    approval_timeout_secs: 3600,
    depends_on: ["build"],
  },
];

/** What Temporal has of a run, on a stack that is made later. */
export function temporalOf(stack: () => Stack) {
  const handleOf = ({ id }: { id: string }) => stack().deps.temporal.workflow.getHandle(id);
  return {
    handleOf,
    detailsOf: async (run: { id: string }) => {
      const metadata = await handleOf(run).query<{ currentDetails: string }>("__temporal_workflow_metadata");
      return metadata.currentDetails;
    },
    ends: (run: { id: string }) => handleOf(run).result(),
  };
}
