import type { Json } from "../json.ts";

/** A workflow as it was from one change to the next (docs/definitions.md, Versions). Its steps are asked for by themselves. */
export interface WorkflowVersion {
  /** `<workflow id>:v<version>`; in paths and answers a version goes by its `version_id`. */
  id: string;
  workflow_id: string;
  version: number;
  version_id: string;
  project_id: string;
  name: string;
  slug: string;
  description?: string;
  enabled: boolean;
  timeout_secs: number;
  max_concurrent_runs: number;
  max_parallel_steps: number;
  cron?: string;
  cron_timezone?: string;
  skip_if_running?: boolean;
  backwards_compatible?: boolean;
  created_by?: string;
  updated_by?: string;
  created_at: string;
}

/** A field that differs. A side on which it has no value is absent. */
export interface Changed {
  from?: Json;
  to?: Json;
}

export interface VersionDiff {
  from_version_id: string;
  to_version_id: string;
  added_steps: string[];
  removed_steps: string[];
  changed_steps: { step_ref: string; fields: Record<string, Changed> }[];
  changed_fields: Record<string, Changed>;
  /** All steps in their new order, where that is not the old one with what was added at its end. */
  step_order?: string[];
}

/** How many of the workflow's latest runs are of the version. */
export interface VersionImpact {
  version_id: string;
  matching_runs: number;
  sampled_runs: number;
}

export interface ActiveVersions {
  workflow_id: string;
  versions: { version_id: string; version: number; pending: number; running: number; paused: number; total: number }[];
}

/** What depends on what. `dot` is the same for Graphviz. */
export interface WorkflowGraph {
  workflow_id: string;
  roots: string[];
  adjacency?: Record<string, string[]>;
  dot?: string;
}

/** In which order the steps of a run could begin, one at a time. */
export interface RunOrder {
  workflow_id: string;
  workflow_version: number;
  step_count: number;
  roots: string[];
  topological_order: string[];
}
