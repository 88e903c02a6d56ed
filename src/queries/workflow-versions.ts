import { versionId } from "../contract/ids.ts";
import type { Json } from "../contract/json.ts";
import type {
  ActiveVersions,
  VersionDiff,
  VersionImpact,
  WorkflowVersion,
} from "../contract/definitions/workflow-versions.ts";
import type { WorkflowStep } from "../contract/workflows.ts";
import type { Deps } from "../deps.ts";
import { Problem } from "../errors.ts";
import type { Caller } from "../identity/caller.ts";
import { type PartRequest, sliceOf } from "./list-part.ts";
import { type Page, pageOf } from "./page.ts";
import { findOwnWorkflow } from "./workflows.ts";
import { diffFields, diffSteps, type DiffStep } from "../rules/definition-diff.ts";
import { countOpenRuns, sampleRuns } from "../store/run-lists/open-runs.ts";
import { listVersions as listStored } from "../store/workflow-versions.ts";
import { findVersion, type StoredVersion } from "../store/workflow-versions.ts";
import { presentDefinedSteps, presentVersion } from "../views/workflow.ts";

const NOT_FOUND = "workflow version not found";
/** Runs that an impact is estimated from. */
const SAMPLED = 500;

/** The newest first. `next` is the version number after which the next page begins. */
export async function listVersions(
  deps: Deps,
  caller: Caller,
  workflowId: string,
  { before, limit }: { before: number; limit: number },
): Promise<Page<WorkflowVersion, number>> {
  const { id } = await findOwnWorkflow(deps, caller, workflowId);
  const read = (most: number) => listStored(deps.db, id, { before, limit: most });
  return pageOf(limit, read, presentVersion, ({ version }) => version);
}

export const getVersion = async (deps: Deps, caller: Caller, workflowId: string, versionId: string) =>
  presentVersion(await findOwnVersion(deps, caller, workflowId, versionId));

export async function versionSteps(
  deps: Deps,
  caller: Caller,
  workflowId: string,
  versionId: string,
  part: PartRequest,
): Promise<Page<WorkflowStep, number>> {
  const { steps } = await findOwnVersion(deps, caller, workflowId, versionId);
  const { items, next } = sliceOf(steps, part);
  return { items: await presentDefinedSteps(deps, items), next };
}

export async function diffVersions(
  deps: Deps,
  caller: Caller,
  workflowId: string,
  { from, to }: { from: string; to: string },
): Promise<VersionDiff> {
  const { id } = await findOwnWorkflow(deps, caller, workflowId);
  const before = await versionOf(deps, id, from, `from ${NOT_FOUND}`);
  const after = await versionOf(deps, id, to, `to ${NOT_FOUND}`);
  const [old, current] = await Promise.all([before, after].map(({ steps }) => presentDefinedSteps(deps, steps)));
  const { added, removed, changed, order } = diffSteps(said(old ?? []), said(current ?? []));
  return {
    from_version_id: from,
    to_version_id: to,
    added_steps: added.map(({ step_ref }) => step_ref),
    removed_steps: removed,
    changed_steps: changed,
    changed_fields: diffFields(settingsOf(before), settingsOf(after)),
    step_order: order,
  };
}

/** Steps without what only tells one that is stored from another. */
const said = (steps: WorkflowStep[]): DiffStep[] =>
  steps.map(({ id, workflow_id, created_at, ...step }) => step as DiffStep);

/** What a version says of its workflow, without what tells versions from each other. */
function settingsOf(version: StoredVersion): Record<string, Json | undefined> {
  const {
    id,
    workflow_id,
    project_id,
    version: _,
    version_id,
    created_by,
    updated_by,
    created_at,
    ...settings
  } = presentVersion(version);
  return settings;
}

export async function getVersionImpact(
  deps: Deps,
  caller: Caller,
  workflowId: string,
  versionId: string,
): Promise<VersionImpact> {
  const { workflow_id, version_id } = await findOwnVersion(deps, caller, workflowId, versionId);
  return { version_id, ...(await sampleRuns(deps.db, workflow_id, { versionId, most: SAMPLED })) };
}

export async function getActiveVersions(deps: Deps, caller: Caller, workflowId: string): Promise<ActiveVersions> {
  const { id } = await findOwnWorkflow(deps, caller, workflowId);
  return { workflow_id: id, versions: await countOpenRuns(deps.db, id) };
}

async function findOwnVersion(
  deps: Deps,
  caller: Caller,
  workflowId: string,
  versionId: string,
): Promise<StoredVersion> {
  const { id } = await findOwnWorkflow(deps, caller, workflowId);
  return versionOf(deps, id, versionId, NOT_FOUND);
}

async function versionOf({ db }: Deps, workflowId: string, id: string, notFound: string): Promise<StoredVersion> {
  const version = versionId.safeParse(id).success ? await findVersion(db, id) : undefined;
  if (version?.workflow_id !== workflowId) throw new Problem("not_found", notFound);
  return version;
}
