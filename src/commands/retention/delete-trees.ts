import pMap from "p-map";
import type { Deps } from "../../deps.ts";
import { deleteRuns } from "../../store/retention/delete-runs.ts";
import { listTrees, lockRuns, type TreeRun } from "../../store/retention/run-trees.ts";
import { inTransaction } from "../../store/postgres/transaction.ts";
import { whereabouts } from "../../temporal/whereabouts.ts";

export type RetentionDeps = Pick<Deps, "db" | "temporal">;

/** Of one transaction. */
const MOST_RUNS = 1_000;
const ANSWERS_WITHIN_MS = 2_000;
const ASKED_AT_ONCE = 10;

/**
 * Deletes runs, each with its sub-workflow runs, unless one of those is needed: it is open, or is asked to go on or retried just
 * now. They are locked before that is looked at, so that none begins to be needed meanwhile. Of what is too much for one
 * transaction, the sub-workflow runs go first: `isAll` is false then, and their parents are still to be found.
 */
export function deleteTrees(
  deps: RetentionDeps,
  roots: string[],
  settledBefore: number,
): Promise<{ deleted: number; isAll: boolean }> {
  return inTransaction(deps.db, async (transaction) => {
    const tops = await lockRuns(transaction, roots);
    const locked = new Set(tops);
    let runs = await listTrees(transaction, tops, settledBefore);
    const below = runs.filter(({ id }) => !locked.has(id)).map(({ id }) => id);
    if (below.length > 0) {
      for (const id of await lockRuns(transaction, below)) locked.add(id);
      runs = await listTrees(transaction, tops, settledBefore);
    }
    const open = await openAmong(deps, runs);
    const gone = deletable(runs, ({ id, is_over }) => is_over && locked.has(id) && !open.has(id));
    const now = gone.slice(0, MOST_RUNS);
    if (now.length > 0)
      await deleteRuns(
        transaction,
        now.map(({ id }) => id),
      );
    return { deleted: now.length, isAll: now.length === gone.length };
  });
}

/** How many of these runs, and how many sub-workflow runs of theirs, would be deleted now. */
export async function countTrees(
  deps: RetentionDeps,
  roots: string[],
  settledBefore: number,
): Promise<{ runs: number; below: number }> {
  const trees = await listTrees(deps.db, roots, settledBefore);
  const open = await openAmong(deps, trees);
  const gone = deletable(trees, ({ id, is_over }) => is_over && !open.has(id));
  const runs = gone.filter(({ level }) => level === 0).length;
  return { runs, below: gone.length - runs };
}

/** The runs of the trees of which nothing is needed any more, tree by tree, the lowest first. */
function deletable(runs: TreeRun[], isFree: (run: TreeRun) => boolean): TreeRun[] {
  const needed = new Set(runs.flatMap((run) => (isFree(run) ? [] : [run.root])));
  const order = new Map([...new Set(runs.map(({ root }) => root))].map((root, i) => [root, i]));
  const placeOf = ({ root }: TreeRun) => order.get(root) ?? 0;
  return runs.filter(({ root }) => !needed.has(root)).sort((a, b) => placeOf(a) - placeOf(b) || b.level - a.level);
}

/** Those of the reopened that Temporal has open, or can't tell of now. Once it does not answer, the others are not asked for. */
async function openAmong({ temporal }: RetentionDeps, runs: TreeRun[]): Promise<Set<string>> {
  const open = new Set<string>();
  let isAway = false;
  const look = async ({ id }: TreeRun) => {
    const ask = () => whereabouts({ temporal }, id);
    const known = isAway
      ? undefined
      : await temporal.withDeadline(Date.now() + ANSWERS_WITHIN_MS, ask).catch(() => undefined);
    isAway = known === undefined;
    if (known?.is !== "ended" && known?.is !== "unknown") open.add(id);
  };
  await pMap(
    runs.filter(({ is_over, is_reopened }) => is_over && is_reopened),
    look,
    { concurrency: ASKED_AT_ONCE },
  );
  return open;
}
