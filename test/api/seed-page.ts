// What the public API page prints: fourteen calls to paste, and the answers to expect.

export const RUN_SAMPLE = `{
  "id": "string",
  "workflow_id": "string",
  "project_id": "string",
  "status": "pending",
  "triggered_by": "string",
  "workflow_version": 0,
  "max_parallel_steps": 0,
  "payload": {},
  "error": "string",
  "started_at": "2019-08-24T14:15:22Z",
  "finished_at": "2019-08-24T14:15:22Z",
  "expires_at": "2019-08-24T14:15:22Z",
  "retry_of_run_id": "string",
  "parent_workflow_run_id": "string",
  "parent_step_run_id": "string",
  "tags": {
    "property1": "string",
    "property2": "string"
  },
  "workflow_version_id": "string",
  "created_by": "string",
  "created_at": "2019-08-24T14:15:22Z"
}`;
export const STEP_SAMPLE = `{
  "id": "string",
  "workflow_run_id": "string",
  "workflow_step_id": "string",
  "step_ref": "string",
  "job_run_id": "string",
  "attempt": 0,
  "status": "pending",
  "deps_completed": 0,
  "deps_required": 0,
  "output": {},
  "error": "string",
  "started_at": "2019-08-24T14:15:22Z",
  "finished_at": "2019-08-24T14:15:22Z",
  "created_at": "2019-08-24T14:15:22Z"
}`;

export const LIST = `curl -X GET "http://localhost:8080/v1/workflow-runs?project_id=string"`;
export const GET = `curl -X GET "http://localhost:8080/v1/workflow-runs/string"`;
export const CANCEL = `curl -X DELETE "http://localhost:8080/v1/workflow-runs/string"`;
export const STEPS = `curl -X GET "http://localhost:8080/v1/workflow-runs/string/steps"`;
export const PAUSE = `curl -X POST "http://localhost:8080/v1/workflow-runs/string/pause"`;
export const RESUME = `curl -X POST "http://localhost:8080/v1/workflow-runs/string/resume"`;
export const RETRY = `curl -X POST "http://localhost:8080/v1/workflow-runs/string/retry"`;
export const APPROVE = `curl -X POST "http://localhost:8080/v1/workflow-runs/string/steps/string/approve"`;
export const SKIP = `curl -X POST "http://localhost:8080/v1/workflow-runs/string/steps/string/skip" \\
  -H "Content-Type: application/json" \\
  -d '{}'`;
export const FORCE_COMPLETE = `curl -X POST "http://localhost:8080/v1/workflow-runs/string/steps/string/force-complete" \\
  -H "Content-Type: application/json" \\
  -d '{}'`;
export const STEP_RETRY = `curl -X POST "http://localhost:8080/v1/workflow-runs/string/steps/string/retry"`;
export const REPLAY_SUBTREE = `curl -X POST "http://localhost:8080/v1/workflow-runs/string/steps/string/replay-subtree"`;
export const BULK_CANCEL = `curl -X POST "http://localhost:8080/v1/workflow-runs/bulk-cancel" \\
  -H "Content-Type: application/json" \\
  -d '{
    "workflow_run_ids": [
      "string"
    ]
  }'`;
export const BULK_REPLAY = `curl -X POST "http://localhost:8080/v1/workflow-runs/bulk-replay" \\
  -H "Content-Type: application/json" \\
  -d '{
    "workflow_run_ids": [
      "string"
    ]
  }'`;
