import { setTimeout as pauseFor } from "node:timers/promises";
import { v7 } from "uuid";
import { countTrees, deleteTrees, type RetentionDeps } from "./delete-trees.ts";
import { type End, ENDS, keptOf, type Retention } from "../../rules/retention.ts";
import { countOldKeys, deleteOldKeys } from "../../store/idempotency-keys.ts";
import { type Due, listRunGroups, nextEnded, type Place, placeAfterNewest } from "../../store/retention/ended-runs.ts";

const DAY_MS = 86_400_000;
/** A run stays so long whatever the rules say: until then its last words are under way to its parent, or to who waits for them. */
const SETTLES_MS = 3_600_000;

/** So long a batch is to take, and so many times as long as it took the next one waits: others have the database meanwhile. */
const BATCH_MS = 100;
const PAUSES = 2;
const SIZES = { first: 50, most: 1_000 };
const KEYS_AT_ONCE = 1_000;

/** Of a project and a status. `below`: the sub-workflow runs of these runs. */
export interface LetGo {
  project_id: string;
  status: End;
  runs: number;
  below: number;
}

/** What would be deleted now. */
export async function previewLetGo(
  deps: RetentionDeps,
  retention: Retention,
  now = Date.now(),
): Promise<{ groups: LetGo[]; keys: number }> {
  const groups: LetGo[] = [];
  for (const { due, ...group } of await dueGroups(deps, retention, now)) {
    const count = { runs: 0, below: 0 };
    for (let after: Place | undefined; ; ) {
      const page = await nextEnded(deps.db, group, due, after, SIZES.most);
      after = page.at(-1);
      if (!after) break;
      const counted = await countTrees(deps, idsDue(page), due.settled_before);
      count.runs += counted.runs;
      count.below += counted.below;
    }
    if (count.runs > 0) groups.push({ ...group, ...count });
  }
  const keys = keysBefore(retention, now);
  return { groups, keys: keys ? await countOldKeys(deps.db, keys.id, keys.at) : 0 };
}

export interface LettingGo {
  now?: number;
  /** Aborted: it ends after the batch that it is at. */
  signal?: AbortSignal;
  /** After each batch. */
  told?: (deleted: number) => void;
}

/** Deletes what the rules don't keep, the oldest first, batch by batch. What is needed is left for the next time. */
export async function letGo(
  deps: RetentionDeps,
  retention: Retention,
  { now = Date.now(), signal, told = () => {} }: LettingGo = {},
): Promise<{ runs: number; keys: number }> {
  const deleted = { runs: 0, keys: 0 };
  const pace = new Pace(signal);
  for (const { due, ...group } of await dueGroups(deps, retention, now)) {
    let after: Place | undefined;
    await pace.inBatches(async (size) => {
      const page = await nextEnded(deps.db, group, due, after, size);
      const ids = idsDue(page);
      const batch = ids.length > 0 ? await deleteTrees(deps, ids, due.settled_before) : { deleted: 0, isAll: true };
      deleted.runs += batch.deleted;
      if (batch.deleted > 0) told(deleted.runs);
      if (batch.isAll) after = page.at(-1);
      return !batch.isAll || page.length === size;
    });
  }
  const keys = keysBefore(retention, now);
  if (keys)
    await pace.inBatches(async () => {
      const gone = await deleteOldKeys(deps.db, keys.id, keys.at, KEYS_AT_ONCE);
      deleted.keys += gone;
      return gone === KEYS_AT_ONCE;
    });
  return deleted;
}

/** Batches that grow and shrink to what takes BATCH_MS, with rests in between. */
class Pace {
  readonly #signal: AbortSignal | undefined;
  #size = SIZES.first;

  constructor(signal: AbortSignal | undefined) {
    this.#signal = signal;
  }

  /** Until `work` says that nothing is left, or the signal comes. */
  async inBatches(work: (size: number) => Promise<boolean>): Promise<void> {
    while (!this.#signal?.aborted) {
      const begin = performance.now();
      const isMore = await work(this.#size);
      const took = performance.now() - begin;
      const fitting = Math.ceil((this.#size * BATCH_MS) / took);
      // How long a full batch would have taken is not known of one that was not.
      const most = isMore ? Math.min(2 * this.#size, SIZES.most) : this.#size;
      this.#size = Math.max(1, Math.min(fitting, most));
      await pauseFor(PAUSES * took, undefined, { signal: this.#signal }).catch(() => {});
      if (!isMore) return;
    }
  }
}

async function dueGroups({ db }: RetentionDeps, retention: Retention, now: number) {
  const groups = [];
  const settled_before = now - SETTLES_MS;
  for (const { project_id, status: found } of await listRunGroups(db)) {
    const status = ENDS.find((end) => end === found);
    if (!status) continue;
    const { days, runs } = keptOf(retention, project_id, status);
    if (days === undefined && runs === undefined) continue;
    const due: Due = {
      settled_before,
      ended_before: days && now - days * DAY_MS,
      made_until: runs === undefined ? undefined : await placeAfterNewest(db, { project_id, status }, runs),
    };
    groups.push({ project_id, status, due });
  }
  return groups;
}

const idsDue = (page: (Place & { is_due: boolean })[]) => page.filter(({ is_due }) => is_due).map(({ id }) => id);

function keysBefore({ keys }: Retention, now: number): { id: string; at: number } | undefined {
  if (keys?.days === undefined) return undefined;
  const at = now - keys.days * DAY_MS;
  return { id: v7({ msecs: at, random: new Uint8Array(16) }), at };
}
